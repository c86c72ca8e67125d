//! A date as people write it, by its form: `DD.MM.YYYY`.

use jiff::civil::Date;

/// The order of day, month and year, and what stands between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateForm {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// With its zero, or without.
    Day(Digits),
    Month(Digits),
    Year,
    Text(char),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    Two,
    Any,
}

impl DateForm {
    /// Reads a form: `DD` or `D`, `MM` or `M`, `YYYY`, each once, and between them what is no letter.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn read(form: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = form;
        while let Some(first) = rest.chars().next() {
            let run = rest.len() - rest.trim_start_matches(first).len();
            let (piece, taken) = match (first, run) {
                ('D', 2) => (Piece::Day(Digits::Two), 2),
                ('D', 1) => (Piece::Day(Digits::Any), 1),
                ('M', 2) => (Piece::Month(Digits::Two), 2),
                ('M', 1) => (Piece::Month(Digits::Any), 1),
                ('Y', 4) => (Piece::Year, 4),
                (c, _) if c.is_alphanumeric() => {
                    return Err(format!(
                        "`{form}` is no form of a date: write D or DD, M or MM, YYYY, and signs between them."
                    ));
                }
                (c, _) => (Piece::Text(c), c.len_utf8()),
            };
            pieces.push(piece);
            rest = &rest[taken..];
        }
        let count = |is_it: fn(&Piece) -> bool| pieces.iter().filter(|piece| is_it(piece)).count();
        let whole = count(|piece| matches!(piece, Piece::Day(_))) == 1
            && count(|piece| matches!(piece, Piece::Month(_))) == 1
            && count(|piece| matches!(piece, Piece::Year)) == 1;
        if !whole {
            return Err(format!("`{form}` needs a day, a month and a year, each once, such as DD.MM.YYYY."));
        }
        Ok(Self { pieces })
    }

    /// The date that a text in this form says; none where it is not one.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<Date> {
        let mut rest = text.trim();
        let (mut day, mut month, mut year) = (0, 0, 0);
        for piece in &self.pieces {
            match piece {
                Piece::Day(digits) => (day, rest) = number(rest, least(*digits), 2)?,
                Piece::Month(digits) => (month, rest) = number(rest, least(*digits), 2)?,
                Piece::Year => (year, rest) = number(rest, 4, 4)?,
                Piece::Text(sign) => rest = rest.strip_prefix(*sign)?,
            }
        }
        let (day, month) = (i8::try_from(day).ok()?, i8::try_from(month).ok()?);
        if rest.is_empty() { Date::new(year, month, day).ok() } else { None }
    }

    #[must_use]
    pub fn write(&self, date: Date) -> String {
        let part = |digits: Digits, number: i8| match digits {
            Digits::Two => format!("{number:02}"),
            Digits::Any => number.to_string(),
        };
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Day(digits) => part(*digits, date.day()),
            Piece::Month(digits) => part(*digits, date.month()),
            Piece::Year => format!("{:04}", date.year()),
            Piece::Text(sign) => sign.to_string(),
        });
        pieces.collect()
    }
}

const fn least(digits: Digits) -> usize {
    match digits {
        Digits::Two => 2,
        Digits::Any => 1,
    }
}

/// A number of so many digits at the beginning, and what follows it.
fn number(text: &str, least: usize, most: usize) -> Option<(i16, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if digits < least { None } else { Some((number.parse().ok()?, rest)) }
}
