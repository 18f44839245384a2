//! What the page looks like: light and dark, wide and narrow.

use crate::browser::Browser;
use crate::common::{Home, watched};
use crate::page::{open, overrun};
use crate::proxy::Proxy;
use reqwest::Method;
use std::path::Path;

/// Set to a folder, the screenshots are put there.
const FOLDER: &str = "AUDIT_SERVER_SCREENSHOTS";

#[tokio::test]
async fn it_fits_every_screen_in_the_light_and_in_the_dark() {
    watched(async {
        let Some(browser) = Browser::start().await else {
            return;
        };
        let home = Home::new();
        let server = home.start(&["--capacity", "6", "--max-wait", "1h"]);
        let proxy = Proxy::start(server.address).await;
        open(&browser, proxy.address).await;
        let calls = async |names: [&str; 2]| {
            for name in names {
                let path = format!("/api/items/order-{}", name.len());
                for method in [Method::PUT, Method::GET, Method::DELETE, Method::GET] {
                    server.call(name, method, &path).await;
                }
                server.call(name, Method::PUT, "/api/items/order-1").await;
                server.call(name, Method::POST, "/api/items/order-1").await;
            }
        };
        calls(["ada", "grace"]).await;
        browser
            .until("document.querySelectorAll('#rows tr').length == 12")
            .await;
        overrun(&server, &proxy).await;
        calls(["barbara", "alan"]).await;
        proxy.go_on();
        browser
            .until("document.querySelectorAll('#rows tr.gap').length == 1")
            .await;
        browser
            .until("document.querySelector('#rows .actor').innerText == 'alan'")
            .await;
        browser.press("/").await;
        browser.press("order").await;
        browser
            .until("document.querySelector('#rates polyline').hasAttribute('points')")
            .await;

        let mut grounds = Vec::new();
        for scheme in ["light", "dark"] {
            for (name, width, height) in [("wide", 1100, 640), ("narrow", 360, 640)] {
                browser.emulate(width, height, scheme).await;
                browser.until(&format!("innerWidth == {width}")).await;
                let page = "document.scrollingElement";
                let fits = format!("{page}.scrollWidth <= {page}.clientWidth");
                assert_eq!(browser.value(&fits).await, true, "{scheme}, {name}");
                let shown = browser.texts("#rows .path").await;
                assert!(shown.len() == 6, "{shown:?}");
                let image = browser.client.screenshot().await.unwrap();
                if let Ok(folder) = std::env::var(FOLDER) {
                    let file = Path::new(&folder).join(format!("{scheme}-{name}.png"));
                    std::fs::write(file, image).unwrap();
                }
            }
            let ground = "getComputedStyle(document.body).backgroundColor";
            grounds.push(browser.value(ground).await);
        }
        assert_ne!(grounds[0], grounds[1]);
    })
    .await;
}
