//! Where lines are typed and shown: on a terminal above the line that is being typed, otherwise
//! as plain text from stdin to stdout.

use rustyline_async::{Readline, ReadlineError, ReadlineEvent, SharedWriter};
use std::io::{self, IsTerminal, Write};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

const PROMPT: &str = "> ";

pub enum Terminal {
    Editor(Box<Readline>, SharedWriter),
    Plain(Lines<BufReader<Stdin>>),
}

impl Terminal {
    pub fn new() -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(Self::plain());
        }
        let (mut editor, writer) = Readline::new(PROMPT.into()).map_err(io_error)?;
        // What one says comes back from the server, in its place among the others.
        editor.should_print_line_on(false, false);
        Ok(Self::Editor(Box::new(editor), writer))
    }

    fn plain() -> Self {
        Self::Plain(BufReader::new(tokio::io::stdin()).lines())
    }

    /// The next line, or `None` at the end of input, Ctrl-D or Ctrl-C. Nothing is lost if the
    /// future is dropped.
    pub async fn line(&mut self) -> io::Result<Option<String>> {
        match self {
            Self::Plain(lines) => lines.next_line().await,
            Self::Editor(editor, _) => match editor.readline().await.map_err(io_error)? {
                ReadlineEvent::Line(line) => {
                    editor.add_history_entry(line.clone());
                    Ok(Some(line))
                }
                ReadlineEvent::Eof | ReadlineEvent::Interrupted => Ok(None),
            },
        }
    }

    pub fn show(&mut self, line: &str) -> io::Result<()> {
        match self {
            Self::Plain(_) => writeln!(io::stdout(), "{line}"),
            Self::Editor(editor, writer) => {
                writeln!(writer, "{line}")?;
                // Not left to `line`, which may not be called for a while; then its queue is full.
                editor.flush().map_err(io_error)?;
                editor.update_prompt(PROMPT).map_err(io_error)
            }
        }
    }

    /// No more lines will be asked for: Ctrl-C ends the program from now on.
    pub fn release(&mut self) -> io::Result<()> {
        if let Self::Editor(editor, _) = self {
            editor.flush().map_err(io_error)?;
            *self = Self::plain();
        }
        Ok(())
    }
}

fn io_error(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::IO(error) => error,
        closed @ ReadlineError::Closed => io::Error::other(closed),
    }
}
