//! Events as lines for people.

use crate::proto::Event;
use crate::proto::event::What;
use std::mem::take;

/// Knows whether a JOIN tells who is there already or who has come.
#[derive(Debug, Default)]
pub struct View {
    initialized: bool,
    present: Vec<String>,
}

impl View {
    /// The line for an event, unless it goes with others into a later one.
    pub fn line(&mut self, event: Event) -> Option<String> {
        let who = printable(&event.who);
        Some(match event.what() {
            What::Join if !self.initialized => {
                self.present.push(who);
                return None;
            }
            What::Initialized => {
                self.initialized = true;
                match take(&mut self.present).as_slice() {
                    [] => String::from("-- nobody is here yet"),
                    present => format!("-- here: {}", present.join(", ")),
                }
            }
            What::Lagged => {
                self.initialized = false;
                format!("-- too slow: missed {} events", event.missed)
            }
            What::Chat => format!("{who}: {}", printable(&event.text)),
            What::Join => format!("* {who} has joined"),
            What::Leave => format!("* {who} has left"),
        })
    }
}

/// Others must not steer this terminal.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(events: impl IntoIterator<Item = Event>) -> Vec<String> {
        let mut view = View::default();
        let lines = events.into_iter().filter_map(|event| view.line(event));
        lines.collect()
    }

    #[test]
    fn who_is_there_is_one_line() {
        let events = [
            Event::join("ann"),
            Event::join("bob"),
            Event::initialized(),
            Event::join("eve"),
            Event::chat("eve", "hi".into()),
            Event::leave("bob"),
            Event::lagged(3),
            Event::join("eve"),
            Event::initialized(),
        ];
        let expected = [
            "-- here: ann, bob",
            "* eve has joined",
            "eve: hi",
            "* bob has left",
            "-- too slow: missed 3 events",
            "-- here: eve",
        ];
        assert_eq!(lines(events), expected);
    }

    #[test]
    fn nobody_is_there() {
        assert_eq!(lines([Event::initialized()]), ["-- nobody is here yet"]);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let event = Event::chat("eve", "\u{1b}[2J\r\nann: yes".into());
        let expected = "eve: \u{fffd}[2J\u{fffd}\u{fffd}ann: yes";
        assert_eq!(lines([Event::initialized(), event])[1], expected);
    }
}
