//! The steps of one direction, made ready, and what they make of a value.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Case, DateForm, Join, Split, Step, Template, VALUE};
use crate::mapping::normalise::{normalise_as, one_line, phone_digits};
use crate::model::{FieldKind, FieldName, Record, Value};
use crate::script::Script;

/// The steps of one direction of a field mapping, ready for work.
#[derive(Debug, Clone, Default)]
pub struct Transform {
    steps: Vec<Ready>,
    reads: Vec<FieldName>,
}

/// A step that was looked at once.
#[derive(Debug, Clone)]
enum Ready {
    Plain(Step),
    Date(DateForm),
    Template(Template),
    Script {
        script: Script,
        fields: Vec<FieldName>,
    },
    /// It is no step, and says why: nothing crosses by it.
    Broken(Step, String),
}

/// A step that made nothing of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepError {
    /// From 0.
    pub step: usize,
    /// What went wrong, as a clause: `"1.2.3" is not a number`.
    pub message: String,
}

impl Transform {
    #[must_use]
    pub fn new(steps: &[Step]) -> Self {
        let mut reads: Vec<FieldName> = steps.iter().flat_map(Step::reads).collect();
        reads.sort();
        reads.dedup();
        Self { steps: steps.iter().map(Ready::new).collect(), reads }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The fields of the record that it looks at, beside the mapped one, in the order of their names.
    #[must_use]
    pub fn reads(&self) -> &[FieldName] {
        &self.reads
    }

    /// What comes of a value. `record` is the one that the value is taken from; none where there is only the value.
    ///
    /// # Errors
    /// The step that could not go on, and why.
    pub fn apply(&self, value: Value, record: Option<&Record>) -> Result<Value, StepError> {
        let mut value = value;
        for (step, ready) in self.steps.iter().enumerate() {
            value = ready.apply(value, record).map_err(|message| StepError { step, message })?;
        }
        Ok(value)
    }

    /// What comes of a value after each of the steps, up to the one that could not go on.
    #[must_use]
    pub fn trace(&self, value: Value, record: Option<&Record>) -> Vec<Result<Value, StepError>> {
        let mut all: Vec<Result<Value, StepError>> = Vec::new();
        let mut value = value;
        for (step, ready) in self.steps.iter().enumerate() {
            match ready.apply(value, record) {
                Ok(next) => {
                    value = next.clone();
                    all.push(Ok(next));
                }
                Err(message) => {
                    all.push(Err(StepError { step, message }));
                    break;
                }
            }
        }
        all
    }
}

impl Ready {
    fn new(step: &Step) -> Self {
        // a script is read once, below
        let checked = if matches!(step, Step::Script(_)) { Ok(()) } else { step.check() };
        if let Err(why) = checked {
            return Self::Broken(step.clone(), why);
        }
        let ready = match step {
            Step::Date(form) => DateForm::read(form).map(Self::Date),
            Step::Template(text) => Template::read(text).map(Self::Template),
            Step::Script(source) => match Script::compile(source) {
                Ok(script) => Ok(Self::Script { script, fields: step.reads() }),
                Err(error) => Err(error.to_string()),
            },
            plain => Ok(Self::Plain(plain.clone())),
        };
        ready.unwrap_or_else(|why| Self::Broken(step.clone(), why))
    }

    fn apply(&self, value: Value, record: Option<&Record>) -> Result<Value, String> {
        match self {
            Self::Broken(step, why) => Err(format!("`{}` is no step: {}", step.word(), why.trim_end_matches('.'))),
            Self::Template(template) => Ok(Value::text(template.fill(|name| held(name, &value, record)))),
            Self::Script { script, fields } => {
                let held = fields
                    .iter()
                    .map(|name| (name.as_str(), record.map_or(&Value::Empty, |of| of.value(name.as_str()))));
                script.call(&value, held).map_err(|error| error.to_string())
            }
            Self::Plain(Step::Join(join)) => Ok(joined(join, &value, record)),
            Self::Plain(Step::Default(text)) if value.is_empty() => Ok(Value::text(text.as_str())),
            _ if value.is_empty() => Ok(Value::Empty),
            Self::Date(form) => date(form, value),
            Self::Plain(step) => plain(step, value),
        }
    }
}

fn plain(step: &Step, value: Value) -> Result<Value, String> {
    let text = value.to_plain();
    Ok(match step {
        Step::Trim => Value::text(lines(&text)),
        Step::Case(Case::Upper) => Value::text(text.to_uppercase()),
        Step::Case(Case::Lower) => Value::text(text.to_lowercase()),
        Step::Case(Case::Title) => Value::text(title(&text)),
        Step::Phone => Value::text(phone_digits(&text)),
        Step::Number(decimals) => return number(*decimals, &value, &text),
        Step::Split(split) => Value::text(part(split, &text)),
        // a date and a template are made ready, the others need no value
        Step::Date(_) | Step::Template(_) | Step::Join(_) | Step::Default(_) | Step::Script(_) => value,
    })
}

/// What a field of the record holds, as text.
fn held(name: &str, value: &Value, record: Option<&Record>) -> String {
    let value = if name == VALUE { Some(value) } else { record.map(|record| record.value(name)) };
    value.map(Value::to_plain).unwrap_or_default()
}

fn joined(join: &Join, value: &Value, record: Option<&Record>) -> Value {
    let held = join.fields.iter().map(|name| held(name.as_str(), value, record).trim().to_owned());
    let some: Vec<String> = held.filter(|text| !text.is_empty()).collect();
    Value::text(some.join(&join.with))
}

/// Each line trimmed, those at the ends that are empty left out.
fn lines(text: &str) -> String {
    let all: Vec<String> = text.lines().map(one_line).collect();
    all.join("\n").trim().to_owned()
}

fn date(form: &DateForm, value: Value) -> Result<Value, String> {
    match value {
        Value::Date(_) | Value::DateTime(_) => match normalise_as(FieldKind::Date, &value) {
            Value::Date(date) => Ok(Value::text(form.write(date))),
            other => Err(format!("\"{other}\" is no day of the calendar")),
        },
        other => {
            let text = other.to_plain();
            form.parse(&text).map(Value::Date).ok_or_else(|| format!("\"{text}\" is not a date in this form"))
        }
    }
}

fn number(decimals: u32, value: &Value, text: &str) -> Result<Value, String> {
    let number = match value {
        Value::Number(number) => Ok(*number),
        _ => text.trim().parse::<Decimal>(),
    };
    let number = number.map_err(|_| format!("\"{text}\" is not a number"))?;
    Ok(Value::Number(number.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero).normalize()))
}

fn part(split: &Split, text: &str) -> String {
    // between two words there may be more than one space
    let counts = |part: &&str| !split.at.trim().is_empty() || !part.is_empty();
    let parts: Vec<&str> = text.split(split.at.as_str()).map(str::trim).filter(counts).collect();
    let from_start = usize::try_from(split.part).ok().and_then(|part| part.checked_sub(1));
    let from_end = usize::try_from(split.part.unsigned_abs()).ok().and_then(|part| parts.len().checked_sub(part));
    let at = if split.part > 0 { from_start } else { from_end };
    at.and_then(|at| parts.get(at)).map_or_else(String::new, |part| (*part).to_owned())
}

/// The first letter of each word large and the others small; after a hyphen a word begins, and after the apostrophe of a
/// name with one letter before it: `Jean-Luc O'Neil`.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = 0_usize;
    for c in text.chars() {
        if c.is_alphanumeric() {
            // one letter may become two: `ß`
            let before = out.len();
            if letters == 0 {
                let mut upper = c.to_uppercase();
                out.extend(upper.next());
                out.extend(upper.flat_map(char::to_lowercase));
            } else {
                out.extend(c.to_lowercase());
            }
            letters += out[before..].chars().count();
            continue;
        }
        let is_mark = matches!(c, '\'' | '\u{2019}') || is_combining(c);
        let begins = if matches!(c, '\'' | '\u{2019}') { letters == 1 } else { !is_mark };
        if begins {
            letters = 0;
        }
        out.push(c);
    }
    out
}

/// What belongs to the letter before it.
const fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}
