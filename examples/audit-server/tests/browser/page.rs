//! What the page does.

use crate::browser::Browser;
use crate::common::{Home, Server, viewers, watched};
use crate::proxy::Proxy;
use fantoccini::key::Key;
use reqwest::Method;
use std::net::SocketAddr;

/// The page at the address, connected.
pub async fn open(browser: &Browser, address: SocketAddr) {
    browser
        .client
        .goto(&format!("http://{address}/"))
        .await
        .unwrap();
    browser
        .until("document.querySelector('#state').innerText == 'live'")
        .await;
}

/// Stalls the viewer's line, and publishes until it is lapped: its page must miss some.
pub async fn overrun(server: &Server, proxy: &Proxy) {
    proxy.stall();
    let key = "k".repeat(4000);
    // A lapped viewer is a whole ring behind, and stays so while a ring of events is published: one that
    // still reads does not.
    let mut lapped_for = 0;
    loop {
        let stats = server.stats().await;
        let capacity = &stats["ring"]["capacity"];
        lapped_for = match viewers(&stats)[0]["behind"] == *capacity {
            true => lapped_for + 1,
            false => 0,
        };
        if Some(lapped_for) > capacity.as_u64() {
            return;
        }
        server.put(&key).await;
    }
}

#[tokio::test]
async fn rows_appear_and_the_filter_works() {
    watched(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let home = Home::new();
        let server = home.start(&[]);
        server.put("before").await;
        open(&browser, server.address).await;
        browser
            .until("document.querySelectorAll('#rows tr').length == 1")
            .await;
        server.put("after").await;
        server
            .call("<b>me</b>", Method::DELETE, "/api/items/none")
            .await;
        server
            .call("me", Method::GET, "/api/items/%3Cimg%20src=x%3E")
            .await;
        browser
            .until("document.querySelectorAll('#rows tr').length == 4")
            .await;

        let shown = |column| browser.texts(column);
        assert_eq!(shown("#rows .sequence").await, ["3", "2", "1", "0"]);
        assert_eq!(
            shown("#rows .actor").await,
            ["me", "<b>me</b>", "test", "test"]
        );
        assert_eq!(
            shown("#rows .method").await,
            ["GET", "DELETE", "PUT", "PUT"]
        );
        assert_eq!(shown("#rows .status").await, ["404", "404", "201", "201"]);
        let rows = home.rows();
        let first = browser.texts("#rows tr:last-child .request").await;
        assert_eq!(first, [rows[0].request_id.clone()]);
        assert_eq!(shown("#received").await, ["4"]);
        assert_eq!(shown("#missed").await, ["0"]);

        // All by keyboard.
        browser.press("/").await;
        browser.press("aft").await;
        assert_eq!(shown("#rows .path").await, ["/api/items/after"]);
        server.put("after-the-filter").await;
        server.put("other").await;
        browser
            .until("document.querySelectorAll('#rows tr').length == 6")
            .await;
        let paths = ["/api/items/after-the-filter", "/api/items/after"];
        assert_eq!(shown("#rows .path").await, paths);
        browser.press("er-none").await;
        assert_eq!(shown("#empty").await, ["No requests to show."]);
        browser
            .value("(document.querySelector('#path').select(), null)")
            .await;
        let clear_and_go_on = format!("{}{}", Key::Backspace, Key::Tab);
        browser.press(&clear_and_go_on).await;
        assert_eq!(shown("#rows .status").await.len(), 6);
        for (kind, statuses) in [("2", vec!["201"; 4]), ("3", vec![]), ("4", vec!["404"; 2])] {
            browser.press(&Key::Right.to_string()).await;
            let checked = "document.querySelector('[name=class]:checked').value";
            assert_eq!(browser.value(checked).await, kind);
            assert_eq!(shown("#rows .status").await, statuses);
        }
    })
    .await;
}

#[tokio::test]
async fn paused_it_stands_still_and_then_shows_what_came() {
    watched(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let home = Home::new();
        let server = home.start(&[]);
        open(&browser, server.address).await;
        browser.press("p").await;
        server.put("one").await;
        server.put("two").await;
        browser
            .until("document.querySelector('#received').innerText == '2'")
            .await;
        assert!(browser.texts("#rows tr").await.is_empty());
        browser.press("p").await;
        browser
            .until("document.querySelectorAll('#rows tr').length == 2")
            .await;
        assert_eq!(browser.texts("#rows .sequence").await, ["1", "0"]);
        browser
            .until("document.querySelector('#rates polyline').hasAttribute('points')")
            .await;
        browser
            .until("document.querySelector('#latency').innerText != '–'")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_stalled_page_shows_its_gap() {
    watched(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let home = Home::new();
        let server = home.start(&["--capacity", "64", "--max-wait", "1h"]);
        let proxy = Proxy::start(server.address).await;
        open(&browser, proxy.address).await;
        server.put("seen").await;
        browser
            .until("document.querySelectorAll('#rows tr').length == 1")
            .await;

        overrun(&server, &proxy).await;
        proxy.go_on();
        let stats = server.until(|stats| viewers(stats)[0]["behind"] == 0).await;
        let missed = viewers(&stats)[0]["missed"].as_u64().unwrap();
        let published = stats["published"].as_u64().unwrap();
        assert!(missed > 0);
        browser
            .until("document.querySelectorAll('#rows tr.gap').length == 1")
            .await;
        // The ring's newest events follow the gap.
        let (first, last) = (published - 64 - missed, published - 65);
        let gap = browser.texts("#rows tr.gap").await;
        let told = format!("{first} to {last}");
        assert!(gap[0].contains(&told), "{told:?} is not in {gap:?}");
        let number = "document.querySelector('#{}').innerText.replace(/\\D/g, '')";
        let expected = |id, count: u64| format!("{} == '{count}'", number.replace("{}", id));
        browser.until(&expected("missed", missed)).await;
        browser
            .until(&expected("received", published - missed))
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_page_that_connects_again_goes_on_where_it_was() {
    watched(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let home = Home::new();
        let server = home.start(&[]);
        let proxy = Proxy::start(server.address).await;
        open(&browser, proxy.address).await;
        server.put("before").await;
        browser
            .until("document.querySelectorAll('#rows tr').length == 1")
            .await;

        // The line breaks, and things happen while the page is away.
        proxy.stall();
        proxy.break_off(server.address);
        browser
            .until("document.querySelector('#state').dataset.state == 'connecting'")
            .await;
        for key in 0..5 {
            server.put(key).await;
        }
        proxy.go_on();
        browser
            .until("document.querySelectorAll('#rows tr').length == 6")
            .await;
        assert_eq!(
            browser.texts("#rows .sequence").await,
            ["5", "4", "3", "2", "1", "0"]
        );

        // So does the server, with the same database.
        server.stop().await;
        browser
            .until("document.querySelector('#state').dataset.state == 'connecting'")
            .await;
        let server = home.start(&[]);
        proxy.break_off(server.address);
        browser
            .until("document.querySelector('#state').dataset.state == 'live'")
            .await;
        server.put("after").await;
        browser
            .until("document.querySelectorAll('#rows tr').length == 7")
            .await;
        assert_eq!(browser.texts("#rows .sequence").await[0], "6");
        assert_eq!(browser.texts("#missed").await, ["0"]);
    })
    .await;
}

/// What the rows say of the disk, from the top.
async fn marks(browser: &Browser) -> Vec<String> {
    browser.texts("#rows .mark").await
}

async fn until_marks(browser: &Browser, marks: &[&str]) {
    let shown = "[...document.querySelectorAll('#rows .mark')].map(mark => mark.innerText)";
    let expected = serde_json::to_string(marks).unwrap();
    let same = format!("JSON.stringify({shown}) == '{expected}'");
    browser.until(&same).await;
}

async fn until_rows(browser: &Browser, rows: usize) {
    let all = format!("document.querySelectorAll('#rows tr').length == {rows}");
    browser.until(&all).await;
}

#[tokio::test]
async fn what_is_stored_is_marked() {
    watched(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let home = Home::new();
        let server = home.start(&[]);
        open(&browser, server.address).await;
        server.put("stored").await;
        until_marks(&browser, &["stored"]).await;
        assert_eq!(browser.texts("#next").await, ["event 0"]);

        let lock = home.lock();
        server.put("happened").await;
        server.put("happened-too").await;
        until_rows(&browser, 3).await;
        assert_eq!(marks(&browser).await, ["storing", "storing", "stored"]);
        drop(lock);
        until_marks(&browser, &["stored", "stored", "stored"]).await;
        assert_eq!(browser.texts("#next").await, ["event 2"]);
    })
    .await;
}

#[tokio::test]
async fn older_ones_come_from_the_database() {
    watched(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let home = Home::new();
        let server = home.start(&[]);
        for key in 0..250 {
            server.put(key).await;
        }
        server.stop().await;
        // Of another run, in whose ring nothing is.
        let server = home.start(&[]);
        open(&browser, server.address).await;
        assert!(browser.texts("#rows tr").await.is_empty());
        let downwards = |from: u64, to: u64| -> Vec<String> {
            (to..=from).rev().map(|number| number.to_string()).collect()
        };
        let sequences = || browser.texts("#rows .sequence");
        browser.press("o").await;
        until_rows(&browser, 100).await;
        assert_eq!(sequences().await, downwards(249, 150));
        assert_eq!(marks(&browser).await, vec!["stored"; 100]);
        let rows = home.rows();
        assert_eq!(
            browser.texts("#rows tr:last-child .request").await,
            [rows[150].request_id.clone()]
        );

        // Now it stands still, whatever comes.
        server.put("live").await;
        browser
            .until("document.querySelector('#received').innerText == '1'")
            .await;
        assert_eq!(browser.texts("#pause").await, ["Go on"]);
        let older = browser.client.find(fantoccini::Locator::Id("older")).await;
        older.unwrap().click().await.unwrap();
        until_rows(&browser, 200).await;
        browser.press("o").await;
        until_rows(&browser, 250).await;
        assert_eq!(sequences().await, downwards(249, 0));
        browser
            .until("document.querySelector('#told').innerText == 'there are no older ones'")
            .await;
        browser.press("o").await;
        browser.press("p").await;
        until_rows(&browser, 251).await;
        assert_eq!(sequences().await, downwards(250, 0));

        // The filter is for them, too.
        browser.press("/").await;
        browser.press("items/24").await;
        let paths = browser.texts("#rows .sequence").await;
        assert_eq!(paths.len(), 11, "{paths:?}");
    })
    .await;
}

/// Where the live ones begin, the stored ones may not reach yet.
#[tokio::test]
async fn stored_and_live_ones_meet_without_a_hole() {
    watched(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let home = Home::new();
        let server = home.start(&["--capacity", "512"]);
        for key in 0..10 {
            server.put(key).await;
        }
        server.until_stored().await;
        let lock = home.lock();
        for key in 0..250 {
            server.put(key).await;
        }
        // It sees the last 200, of which nothing is stored, and neither is what is before them.
        open(&browser, server.address).await;
        until_rows(&browser, 200).await;
        browser.press("o").await;
        browser
            .until("document.querySelector('#told').innerText.includes('before 60 are not on disk yet')")
            .await;
        drop(lock);
        until_rows(&browser, 260).await;
        let numbers = browser.texts("#rows .sequence").await;
        let expected: Vec<_> = (0..260).rev().map(|number| number.to_string()).collect();
        assert_eq!(numbers, expected);
        until_marks(&browser, &["stored"; 260]).await;

        // What somebody takes out of the database is told.
        let change = home.connect();
        let gone = "DELETE FROM entry WHERE sequence BETWEEN 50 AND 52";
        change.execute(gone, []).unwrap();
        browser.client.refresh().await.unwrap();
        until_rows(&browser, 200).await;
        browser.press("o").await;
        until_rows(&browser, 200 + 57 + 1).await;
        let told = browser.texts("#rows tr.gap").await;
        assert_eq!(told, ["3 not in the database: 50 to 52"]);
    })
    .await;
}

#[tokio::test]
async fn what_was_lost_with_a_server_is_told() {
    watched(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let home = Home::new();
        let mut server = home.start(&[]);
        let proxy = Proxy::start(server.address).await;
        open(&browser, proxy.address).await;
        server.put("stored").await;
        until_marks(&browser, &["stored"]).await;
        let lock = home.lock();
        server.put("lost").await;
        server.put("lost-too").await;
        until_rows(&browser, 3).await;
        server.kill();
        drop(lock);

        // Of a run that the page does not see: their numbers are taken by others.
        let unseen = home.start(&[]);
        for key in ["other", "others", "another"] {
            unseen.put(key).await;
        }
        unseen.stop().await;
        let mut server = home.start(&[]);
        proxy.break_off(server.address);
        until_marks(&browser, &["lost", "lost", "stored"]).await;
        server.put("seen").await;
        until_marks(&browser, &["stored", "lost", "lost", "stored"]).await;

        // Stored, which the page was not told before the server died.
        let lock = home.lock();
        server.put("stored-unseen").await;
        until_rows(&browser, 6).await; // With the note of event 3, which it missed.
        proxy.stall();
        drop(lock);
        server.until_stored().await;
        server.kill();
        assert_eq!(marks(&browser).await[0], "storing");
        let server = home.start(&[]);
        proxy.break_off(server.address);
        proxy.go_on();
        until_marks(&browser, &["stored", "stored", "lost", "lost", "stored"]).await;
    })
    .await;
}
