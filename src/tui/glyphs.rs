//! The last door before the terminal: every cell is made safe, and ASCII where the terminal wants it.

use ratatui::buffer::Buffer;

/// The one-column ASCII twin of a glyph that Lockstep draws.
const fn twin(c: char) -> char {
    match c {
        '─' | '–' | '—' | '━' => '-',
        '│' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' => '+',
        '▶' | '›' | '→' => '>',
        '←' | '‹' => '<',
        '↔' => '=',
        '…' => '~',
        '·' => '.',
        '×' => 'x',
        '↑' | '▲' => '^',
        '↓' | '▼' => 'v',
        '▁' | '▂' => '_',
        '▃' | '▄' | '▅' => '=',
        '▆' | '▇' | '█' => '#',
        _ => '?',
    }
}

/// Replaces every symbol that could be taken for a command, and in ASCII mode everything beyond ASCII.
///
/// All texts are made printable where they enter a cell; this is the guarantee that none was forgotten.
pub fn make_safe(buffer: &mut Buffer, ascii: bool) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol.is_ascii() {
            if symbol.bytes().any(|byte| byte.is_ascii_control()) {
                cell.set_char('?');
            }
            continue;
        }
        if ascii {
            let replaced = symbol.chars().next().map_or(' ', twin);
            cell.set_char(replaced);
        } else if let std::borrow::Cow::Owned(clean) = crate::model::text::printable(symbol) {
            cell.set_symbol(&clean);
        }
    }
}
