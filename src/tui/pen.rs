//! Cells to bytes: the fewest that make a terminal show them. Knows no frame, only cells that changed.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// Attributes with the codes that switch them on and off. Some share the code that switches them off.
const ATTRIBUTES: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];
/// What is seen of an attribute where there is no letter.
const SEEN_ON_BLANKS: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);
/// As many blanks at the end of a row as are no longer than the command that erases it.
const ERASE: usize = 3;

/// A cell that a terminal has to be told of: its column, its row, what it shows.
pub type Change<'a> = (u16, u16, &'a Cell);

/// The cells in which `next` looks other than `shown`, row by row from the left. Both must be of one size.
#[must_use]
pub fn changes<'a>(shown: &Buffer, next: &'a Buffer) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    for y in 0..next.area.height {
        let mut x = 0;
        while x < next.area.width {
            let (before, cell) = (&shown[(x, y)], &next[(x, y)]);
            let is_same = before == cell || is_blank(before) && is_blank(cell);
            if !is_same || lost_its_half(shown, next, x, y) {
                changes.push((x, y, cell));
            }
            // what stands behind a character of two columns is not seen
            x += width(cell);
        }
    }
    changes
}

/// Whether here was the second half of a character whose first half is written over. Terminals differ in what they
/// leave there.
fn lost_its_half(shown: &Buffer, next: &Buffer, x: u16, y: u16) -> bool {
    x > 0 && width(&shown[(x - 1, y)]) > 1 && shown[(x - 1, y)] != next[(x - 1, y)]
}

/// The bytes that put `changes` on a terminal, which shows `next` then. They begin and end with no attribute and no
/// colour set.
#[must_use]
pub fn bytes(changes: &[Change<'_>], next: &Buffer) -> Vec<u8> {
    let mut pen = Pen { next, out: String::new(), look: Look::PLAIN, at: None, is_sure: false, is_doubtful: false };
    for row in changes.chunk_by(|one, other| one.1 == other.1) {
        pen.row(row);
    }
    pen.turn(Look::PLAIN);
    pen.out.into_bytes()
}

/// How letters look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Look {
    const PLAIN: Self = Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

    const fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }

    /// A look in which a blank is nothing but a blank, as near to this one as can be.
    const fn without_marks(self) -> Self {
        Self { bg: Color::Reset, modifier: self.modifier.difference(SEEN_ON_BLANKS), ..self }
    }

    /// The codes that lead from this look to another.
    fn codes_to(self, to: Self) -> Vec<String> {
        let mut codes = Vec::new();
        let mut kept = self.modifier;
        for (attribute, _, off) in ATTRIBUTES {
            if kept.contains(attribute) && !to.modifier.contains(attribute) {
                codes.push(off.to_string());
                let gone = ATTRIBUTES.into_iter().filter(|known| known.2 == off);
                kept = gone.fold(kept, |kept, known| kept.difference(known.0));
            }
        }
        let added = ATTRIBUTES.into_iter().filter(|known| to.modifier.contains(known.0) && !kept.contains(known.0));
        codes.extend(added.map(|known| known.1.to_string()));
        if self.fg != to.fg {
            codes.push(color(to.fg, 0));
        }
        if self.bg != to.bg {
            codes.push(color(to.bg, 10));
        }
        codes
    }
}

/// The code of a colour for letters; `ground` is 10 for what is behind them.
fn color(color: Color, ground: u8) -> String {
    match color {
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", 38 + ground),
        Color::Indexed(number) => format!("{};5;{number}", 38 + ground),
        named => (sixteen(named) + ground).to_string(),
    }
}

const fn sixteen(color: Color) -> u8 {
    match color {
        Color::Black => 30,
        Color::Red => 31,
        Color::Green => 32,
        Color::Yellow => 33,
        Color::Blue => 34,
        Color::Magenta => 35,
        Color::Cyan => 36,
        Color::Gray => 37,
        Color::DarkGray => 90,
        Color::LightRed => 91,
        Color::LightGreen => 92,
        Color::LightYellow => 93,
        Color::LightBlue => 94,
        Color::LightMagenta => 95,
        Color::LightCyan => 96,
        Color::White => 97,
        Color::Reset | Color::Indexed(_) | Color::Rgb(..) => 39,
    }
}

fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && Look::of(cell) == Look::of(cell).without_marks()
}

#[derive(Clone)]
struct Pen<'a> {
    next: &'a Buffer,
    out: String,
    look: Look,
    /// Where the next letter goes, where that is known.
    at: Option<Position>,
    /// Since the pen was put there, it wrote only what every terminal gives one column.
    is_sure: bool,
    /// The letter just written is one to which terminals give one column or two, as they please.
    is_doubtful: bool,
}

impl Pen<'_> {
    /// One row, in the shorter of two ways.
    fn row(&mut self, changes: &[Change<'_>]) {
        let mut rewritten = self.clone();
        rewritten.rewrite(changes);
        self.touch_up(changes);
        if rewritten.out.len() < self.out.len() {
            *self = rewritten;
        }
    }

    /// Only what changed, cell by cell.
    fn touch_up(&mut self, changes: &[Change<'_>]) {
        for (at, (x, y, cell)) in changes.iter().enumerate() {
            let rest = changes.len() - at;
            if rest > ERASE && *x >= self.filled(*y) {
                return self.erase(*x, *y);
            }
            self.put(*x, *y, cell);
        }
    }

    /// Everything from the first change on, onto an empty row: shorter where a text takes the place of another.
    fn rewrite(&mut self, changes: &[Change<'_>]) {
        let Some((first, y, _)) = changes.first().copied() else { return };
        self.erase(first, y);
        let next = self.next;
        let mut x = first;
        while x < self.filled(y) {
            let cell = &next[(x, y)];
            if !is_blank(cell) {
                self.put(x, y, cell);
            }
            x += width(cell);
        }
    }

    /// The columns of a row up to the last one in which something is to be seen.
    fn filled(&self, y: u16) -> u16 {
        (0..self.next.area.width).rev().find(|x| !is_blank(&self.next[(*x, y)])).map_or(0, |last| last + 1)
    }

    fn erase(&mut self, x: u16, y: u16) {
        self.go(x, y);
        self.turn(self.look.without_marks());
        self.out.push_str("\x1b[K");
    }

    fn put(&mut self, x: u16, y: u16, cell: &Cell) {
        self.go(x, y);
        self.turn(self.look_for(cell));
        self.out.push_str(cell.symbol());
        // Beyond the last column, terminals differ in where they are.
        let after = x.saturating_add(width(cell));
        self.at = (after < self.next.area.width).then_some(Position::new(after, y));
        self.is_sure &= cell.symbol().is_ascii();
        self.is_doubtful = is_doubtful(cell);
    }

    fn look_for(&self, cell: &Cell) -> Look {
        if is_blank(cell) { self.look.without_marks() } else { Look::of(cell) }
    }

    /// Puts the pen there. It only jumps where that is shorter than writing what lies between once more.
    fn go(&mut self, x: u16, y: u16) {
        let jump = match self.at {
            Some(at) if at.y == y && at.x == x && !self.is_doubtful => return,
            Some(at) if at.y == y => format!("\x1b[{}G", x + 1),
            _ if x == 0 => format!("\x1b[{}H", y + 1),
            _ => format!("\x1b[{};{}H", y + 1, x + 1),
        };
        match self.between(x, y) {
            Some(text) if text.len() < jump.len() => self.out.push_str(&text),
            _ => {
                self.out.push_str(&jump);
                self.is_sure = true;
                self.is_doubtful = false;
            }
        }
        self.at = Some(Position::new(x, y));
    }

    /// What is shown from the pen to there, if it can be written as the pen is.
    fn between(&self, x: u16, y: u16) -> Option<String> {
        let at = self.at.filter(|at| at.y == y && at.x <= x && self.is_sure)?;
        let cells = (at.x..x).map(|column| &self.next[(column, y)]);
        let mut text = String::new();
        for cell in cells {
            let fits = cell.symbol().is_ascii() && self.look_for(cell) == self.look;
            text.push_str(fits.then_some(cell.symbol())?);
        }
        Some(text)
    }

    fn turn(&mut self, to: Look) {
        if to == self.look {
            return;
        }
        let step = self.look.codes_to(to).join(";");
        let anew = Look::PLAIN.codes_to(to).join(";");
        let anew = if anew.is_empty() { anew } else { format!("0;{anew}") };
        let shorter = if anew.len() < step.len() { anew } else { step };
        self.out.push_str(&format!("\x1b[{shorter}m"));
        self.look = to;
    }
}

/// Emoji, and letters that are put together of several.
fn is_doubtful(cell: &Cell) -> bool {
    let mut letters = cell.symbol().chars();
    letters.next().is_some_and(|first| first > '\u{ffff}') || letters.next().is_some()
}

fn width(cell: &Cell) -> u16 {
    u16::try_from(cell.symbol().width()).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    const SIZE: (u16, u16) = (24, 4);

    fn empty() -> Buffer {
        Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1))
    }

    /// Texts as screens have them, some of two columns, in looks as themes have them.
    fn drawing() -> impl Strategy<Value = Buffer> {
        let text = (0..SIZE.0, 0..SIZE.1, "[a-z ─→日\u{1f680}]{0,24}", style());
        proptest::collection::vec(text, 0..12).prop_map(|texts| {
            let mut buffer = empty();
            for (x, y, text, style) in texts {
                buffer.set_stringn(x, y, text, usize::from(SIZE.0), style);
            }
            tidied(buffer)
        })
    }

    /// Nothing stands behind the second half of a character of two columns, and none reaches out of its row.
    fn tidied(mut buffer: Buffer) -> Buffer {
        for y in 0..SIZE.1 {
            for x in 0..SIZE.0 {
                if width(&buffer[(x, y)]) == 2 {
                    match buffer.cell_mut((x + 1, y)) {
                        Some(hidden) => hidden.reset(),
                        None => buffer[(x, y)].reset(),
                    }
                }
            }
        }
        buffer
    }

    fn style() -> impl Strategy<Value = Style> {
        let colors = prop_oneof![
            Just(Color::Reset),
            Just(Color::Yellow),
            Just(Color::LightBlue),
            Just(Color::Indexed(200)),
            Just(Color::Rgb(1, 20, 255))
        ];
        // The terminal of this test knows one strength of a letter, either bold or dim.
        let strength = proptest::sample::select(vec![Modifier::empty(), Modifier::BOLD, Modifier::DIM]);
        let marks = vec![Modifier::ITALIC, Modifier::UNDERLINED, Modifier::REVERSED];
        let marks = proptest::sample::subsequence(marks, 0..=2);
        let attributes =
            (strength, marks).prop_map(|(strength, marks)| marks.into_iter().fold(strength, Modifier::union));
        (colors.clone(), prop_oneof![3 => Just(Color::Reset), 1 => colors], attributes)
            .prop_map(|(fg, bg, attributes)| Style::reset().fg(fg).bg(bg).add_modifier(attributes))
    }

    fn change(from: &Buffer, to: &Buffer) -> Vec<u8> {
        bytes(&changes(from, to), to)
    }

    /// What is to be seen in each cell. An attribute of a blank that changes nothing is none.
    fn seen(terminal: &vt100::Parser) -> Vec<String> {
        let cell = |row, column| {
            let Some(cell) = terminal.screen().cell(row, column) else { return String::new() };
            if cell.is_wide_continuation() {
                return String::new();
            }
            let text = if cell.has_contents() { cell.contents() } else { " " };
            let ground = format!("{text}{:?}{}{}", cell.bgcolor(), cell.underline(), cell.inverse());
            let letter = (cell.fgcolor(), cell.bold(), cell.dim(), cell.italic());
            let is_seen = text != " " || cell.inverse() || cell.underline();
            if is_seen { format!("{ground}{letter:?}") } else { ground }
        };
        (0..SIZE.1).flat_map(|row| (0..SIZE.0).map(move |column| cell(row, column))).collect()
    }

    /// Every cell by itself, wherever it is: nothing that could be saved is saved.
    fn spelled_out(buffer: &Buffer) -> Vec<u8> {
        changes(&empty(), buffer).into_iter().flat_map(|change| bytes(&[change], buffer)).collect()
    }

    proptest! {
        #[test]
        fn a_terminal_that_is_told_the_changes_shows_what_was_drawn(from in drawing(), to in drawing()) {
            let mut told = vt100::Parser::new(SIZE.1, SIZE.0, 0);
            told.process(&change(&empty(), &from));
            told.process(&change(&from, &to));
            let mut plain = vt100::Parser::new(SIZE.1, SIZE.0, 0);
            plain.process(&spelled_out(&to));
            let differs = seen(&told).into_iter().zip(seen(&plain)).enumerate().find(|(_, (told, plain))| told != plain);
            prop_assert_eq!(differs, None);
            let text: String = to.content.iter().map(Cell::symbol).collect();
            prop_assert_eq!(told.screen().contents().replace(['\n', ' '], ""), text.replace(' ', ""));
        }
    }

    fn told(from: &str, to: &str) -> String {
        let lines = |text: &str| {
            let mut buffer = empty();
            buffer.set_string(0, 1, text, Style::new());
            buffer
        };
        String::from_utf8_lossy(&change(&lines(from), &lines(to))).replace('\x1b', "^")
    }

    #[test]
    fn what_lies_between_two_changes_is_written_again_where_a_jump_is_longer() {
        assert_eq!(told("a b d", "x b y"), "^[2Hx b y");
        assert_eq!(told("a 123456 d", "x 123456 y"), "^[2Hx^[10Gy");
        assert_eq!(told("a → d", "x → y"), "^[2Hx^[5Gy", "a terminal may give it two columns");
    }

    /// Terminals differ in how many columns an emoji has: what stands behind it is put where it belongs by its number.
    #[test]
    fn what_follows_an_emoji_stands_where_it_belongs_in_every_terminal() {
        assert_eq!(told("", "a \u{1f5a8}\u{fe0f} in"), "^[2Ha \u{1f5a8}\u{fe0f}^[6Gin");
        assert_eq!(told("", "\u{1f680}x"), "^[2H\u{1f680}^[3Gx");
        assert_eq!(told("", "日本"), "^[2H日本", "everybody gives these two");
    }

    #[test]
    fn the_end_of_a_row_is_erased_not_overwritten() {
        assert_eq!(told("name of a record", "name"), "^[2;6H^[K");
        assert_eq!(told("name of", "name o"), "^[2;7H ");
        assert_eq!(told("one two six ten", "1      2"), "^[2H^[K1^[8G2");
    }

    #[test]
    fn a_look_is_changed_by_the_shortest_command() {
        let look = |fg, modifier| Look { fg, bg: Color::Reset, modifier };
        let turn = |from: Look, to: Look| {
            let next = empty();
            let mut pen =
                Pen { next: &next, out: String::new(), look: from, at: None, is_sure: false, is_doubtful: false };
            pen.turn(to);
            pen.out.replace('\x1b', "^")
        };
        let key = look(Color::Yellow, Modifier::BOLD);
        assert_eq!(turn(Look::PLAIN, key), "^[1;33m");
        assert_eq!(turn(key, Look::PLAIN), "^[m");
        assert_eq!(turn(key, look(Color::Red, Modifier::BOLD)), "^[31m");
        assert_eq!(turn(key, look(Color::Yellow, Modifier::DIM)), "^[22;2m");
        assert_eq!(turn(look(Color::Rgb(1, 2, 3), Modifier::REVERSED), key), "^[0;1;33m");
    }
}
