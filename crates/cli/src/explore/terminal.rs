//! The terminal: taken, drawn on, and given back whatever happens.

use std::io;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use super::app::App;
use super::draw;
use crate::signals;

/// Gives the terminal back when it goes, on an error or a panic too.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        // Whoever has closed the terminal does not need it back.
        let _ = ratatui::try_restore();
    }
}

/// Shows the explorer until it is left.
pub(crate) fn run(app: &mut App<'_>) -> io::Result<()> {
    // Held by who writes to the terminal.
    let screen = Arc::new(Mutex::new(()));
    let held = Arc::clone(&screen);
    signals::before_end(move || {
        // For ever: nothing may be drawn on what was given back.
        mem::forget(held.lock().unwrap_or_else(PoisonError::into_inner));
        drop(Restore);
    })?;
    let _restore = Restore;
    let mut terminal = ratatui::try_init()?;
    follow(app, &mut terminal, &screen)
}

fn follow(app: &mut App<'_>, terminal: &mut DefaultTerminal, screen: &Mutex<()>) -> io::Result<()> {
    while !app.is_done() {
        {
            let _held = screen.lock().unwrap_or_else(PoisonError::into_inner);
            app.resize(terminal.size()?.height);
            terminal.draw(|frame| draw::draw(app, frame))?;
        }
        if let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
        {
            app.on_key(key);
        }
    }
    Ok(())
}
