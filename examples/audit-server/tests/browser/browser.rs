//! Debian's Chromium, by way of its WebDriver.

use crate::common::until;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value, json};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use url::{ParseError, Url};

/// Set to `required`, a missing browser is a failure.
const SWITCH: &str = "AUDIT_SERVER_BROWSER";

const ARGUMENTS: [&str; 7] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

pub struct Browser {
    driver: Child,
    pub client: Client,
    _profile: TempDir,
}

impl Browser {
    /// A browser with an empty profile; `None`, said aloud, if there is none on this machine.
    pub async fn start() -> Option<Self> {
        for program in ["chromium", "chromedriver"] {
            if Command::new(program).arg("--version").output().is_err() {
                absent(program);
                return None;
            }
        }
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let stdout = BufReader::new(driver.stdout.take().unwrap());
        let port = stdout.lines().find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let profile = tempfile::tempdir().unwrap();
        let mut arguments: Vec<_> = ARGUMENTS.map(String::from).into();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let mut capabilities = Map::new();
        capabilities.insert("goog:chromeOptions".into(), json!({ "args": arguments }));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!(
                "http://127.0.0.1:{}",
                port.expect("chromedriver's port")
            ))
            .await
            .unwrap();
        Some(Self {
            driver,
            client,
            _profile: profile,
        })
    }

    /// The value of an expression in the page.
    pub async fn value(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.client.execute(&script, vec![]).await.unwrap()
    }

    /// Waits until an expression is true.
    pub async fn until(&self, condition: &str) {
        until(async || (self.value(condition).await == true).then_some(())).await;
    }

    /// The text of each element that is shown, from the top.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        let expression = format!(
            "[...document.querySelectorAll({})].filter(e => e.checkVisibility()).map(e => e.innerText)",
            json!(selector)
        );
        serde_json::from_value(self.value(&expression).await).unwrap()
    }

    /// Types, wherever the focus is.
    pub async fn press(&self, keys: &str) {
        let focused = self.client.active_element().await.unwrap();
        focused.send_keys(keys).await.unwrap();
    }

    /// Looks like a screen of this size, in the light or in the dark.
    pub async fn emulate(&self, width: u32, height: u32, scheme: &str) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    async fn devtools(&self, command: &'static str, parameters: Value) {
        let command = Devtools {
            command,
            parameters,
        };
        self.client.issue_cmd(command).await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // With the browser, which is in its group.
        let _ = kill_process_group(Pid::from_child(&self.driver), Signal::KILL);
        let _ = self.driver.wait();
    }
}

fn absent(program: &str) {
    let required = std::env::var(SWITCH).is_ok_and(|value| value == "required");
    assert!(
        !required,
        "{program} is missing: install chromium and chromium-driver"
    );
    // Not by `eprintln`, which is shown of failed tests only.
    let _ = writeln!(
        io::stderr(),
        "skipped, the page is not tested: there is no {program} (chromium and chromium-driver)"
    );
}

/// A command of the browser's own protocol.
#[derive(Debug)]
struct Devtools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.expect("a session");
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({ "cmd": self.command, "params": self.parameters });
        (Method::POST, Some(body.to_string()))
    }
}
