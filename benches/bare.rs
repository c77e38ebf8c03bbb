//! A program that does nothing but draw with ratatui, once, and end on `q`: what the cockpit is measured beside
//! (`benches/terminal`).

use std::io;

use crossterm::event;
use crossterm::event::Event;
use crossterm::event::KeyCode;
use ratatui::layout::Constraint;
use ratatui::layout::Layout;
use ratatui::widgets::Block;
use ratatui::widgets::Paragraph;

fn main() -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    terminal.draw(|frame| {
        let rows: [_; 4] = Layout::vertical([Constraint::Fill(1); 4]).areas(frame.area());
        for (i, area) in rows.into_iter().enumerate() {
            let text = "as many words as a pane of the cockpit holds, give or take a few of them\n".repeat(8);
            frame.render_widget(Paragraph::new(text).block(Block::bordered().title(format!(" {i} drawn "))), area);
        }
    })?;
    loop {
        if let Event::Key(key) = event::read()?
            && key.code == KeyCode::Char('q')
        {
            return ratatui::try_restore();
        }
    }
}
