//! Which values a property takes, in which form it keeps them, and the words in which HubSpot refuses the others.

use super::kinds::KindRef;
use super::schema::{Access, Property, Rule};
use crate::sim::clock::{iso_millis, parse_instant};

/// Longest text value, in characters.
const TEXT_LIMIT: usize = 65_536;
const DAY: i64 = 86_400_000;
/// Whole numbers below this are seconds where milliseconds are meant: as milliseconds they lie before March 1973.
const LEAST_MILLIS: i64 = 100_000_000_000;
/// Ends of addresses that can never receive mail.
const DEAD_ENDS: [&str; 4] = [".test", ".local", ".invalid", ".localhost"];

/// Why a value, or a whole property, was refused.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub name: String,
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    pub fn new(name: &str, code: &'static str, message: String) -> Self {
        Self { name: name.to_owned(), code, message }
    }
}

/// What values are held against, beside the property itself.
pub(crate) struct Known<'a> {
    pub kind: KindRef,
    pub owners: &'a [super::owners::Owner],
    pub currencies: &'a [String],
    /// Ids of pipelines, and of stages with the pipeline of each.
    pub pipelines: &'a super::pipeline_store::Pipelines,
    pub doubtful_is_read_only: bool,
    /// Seconds where milliseconds belong are refused; otherwise they are taken for a day in 1970.
    pub refuses_seconds: bool,
    pub bad_number_is_long: bool,
}

impl Property {
    /// The stored form of `value`, or why HubSpot refuses it. Empty is nothing, and always fits.
    pub fn accept(&self, value: &str, known: &Known<'_>) -> Result<String, Refusal> {
        if self.access == Access::Calculated {
            let message = format!("\"{}\" is a calculated property; its value cannot be set.", self.name);
            return Err(self.refuse("READ_ONLY_VALUE", message));
        }
        if self.is_read_only(known.doubtful_is_read_only) {
            let message = format!("\"{}\" is a read only property; its value cannot be set.", self.name);
            return Err(self.refuse("READ_ONLY_VALUE", message));
        }
        if value.is_empty() {
            return Ok(String::new());
        }
        let accepted = self.accept_kind(value, known)?;
        self.rules.iter().try_for_each(|rule| self.obey(rule, &accepted))?;
        Ok(accepted)
    }

    fn accept_kind(&self, value: &str, known: &Known<'_>) -> Result<String, Refusal> {
        match (self.kind.as_str(), self.access) {
            ("number", _) => self.accept_number(value, known),
            ("bool", _) => match value {
                "true" | "false" => Ok(value.to_owned()),
                _ => {
                    let message = format!("{value} was not one of the allowed options: [true, false]");
                    Err(self.refuse("INVALID_OPTION", message))
                }
            },
            ("date", _) => self.accept_date(value, known),
            ("datetime", _) => self.instant(value, known).map(iso_millis),
            ("enumeration", Access::Owner) => {
                self.one_of(value, known.owners.iter().any(|owner| owner.id == value), &[])
            }
            ("enumeration", Access::Pipeline) => {
                self.one_of(value, known.pipelines.has(known.kind, value), &known.pipelines.ids(known.kind))
            }
            ("enumeration", Access::Stage) => {
                let stages = known.pipelines.stage_ids(known.kind);
                self.one_of(value, stages.iter().any(|stage| stage == value), &stages)
            }
            ("enumeration", Access::Currency) => {
                self.one_of(value, known.currencies.iter().any(|code| code == value), known.currencies)
            }
            ("enumeration", _) => self.accept_options(value),
            _ if self.name == "email" && known.kind.legacy == "CONTACT" => self.accept_email(value),
            _ if value.chars().count() > TEXT_LIMIT => {
                let message = format!("{} is too long: the limit is {TEXT_LIMIT} characters", self.name);
                Err(self.refuse("INVALID_LENGTH", message))
            }
            _ => Ok(value.to_owned()),
        }
    }

    fn accept_number(&self, value: &str, known: &Known<'_>) -> Result<String, Refusal> {
        let trimmed = value.trim();
        let is_decimal = trimmed.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        let parsed = trimmed.parse::<f64>().ok().filter(|_| is_decimal);
        let parsed =
            parsed.ok_or_else(|| if known.bad_number_is_long { self.not_long(value) } else { self.not_number() })?;
        if parsed < 0.0 && self.name == "price" && known.kind.legacy == "LINE_ITEM" {
            return Err(self.refuse("NEGATIVE_VALUE", format!("{} must not be negative", self.name)));
        }
        Ok(trimmed.to_owned())
    }

    fn instant(&self, value: &str, known: &Known<'_>) -> Result<i64, Refusal> {
        match value.parse::<i64>() {
            Ok(ms) if known.refuses_seconds && ms > 0 && ms < LEAST_MILLIS => {
                Err(self.refuse("INVALID_DATE", format!("{value} was not a valid date.")))
            }
            Ok(ms) => Ok(ms),
            Err(_) => parse_instant(value).ok_or_else(|| self.not_long(value)),
        }
    }

    fn accept_date(&self, value: &str, known: &Known<'_>) -> Result<String, Refusal> {
        let ms = self.instant(value, known)?;
        if ms.rem_euclid(DAY) != 0 {
            let (hours, minutes) = (ms.rem_euclid(DAY) / 3_600_000, ms.rem_euclid(3_600_000) / 60_000);
            let message = format!("{value} is at {hours}:{minutes}:0.0 UTC, not midnight!");
            return Err(self.refuse("INVALID_DATE", message));
        }
        Ok(iso_millis(ms).chars().take(10).collect())
    }

    /// Lower-cased and trimmed; addresses that can never exist are refused.
    fn accept_email(&self, value: &str) -> Result<String, Refusal> {
        let address = value.trim().to_lowercase();
        let bad = || self.refuse("INVALID_EMAIL", format!("Email address {value} is invalid"));
        let (local, domain) = address.rsplit_once('@').ok_or_else(bad)?;
        let plain =
            |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || ",;<>()@".contains(c));
        let labels_fit = domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
        let fits = plain(local) && plain(domain) && domain.contains('.') && labels_fit && address.len() <= 254;
        if fits && !DEAD_ENDS.iter().any(|end| domain.ends_with(end)) { Ok(address) } else { Err(bad()) }
    }

    fn one_of(&self, value: &str, fits: bool, allowed: &[String]) -> Result<String, Refusal> {
        if fits {
            return Ok(value.to_owned());
        }
        let message = format!("{value} was not one of the allowed options: [{}]", allowed.join(", "));
        Err(self.refuse("INVALID_OPTION", message))
    }

    fn accept_options(&self, value: &str) -> Result<String, Refusal> {
        if self.open {
            return Ok(value.to_owned());
        }
        let fits = |v: &str| self.options.iter().any(|o| o.value == v);
        let parts: Vec<&str> = if self.is_multiple() { value.split(';').collect() } else { vec![value] };
        match parts.iter().find(|part| !part.is_empty() && !fits(part)) {
            Some(bad) => Err(self.not_an_option(bad)),
            None => Ok(value.to_owned()),
        }
    }

    fn not_number(&self) -> Refusal {
        self.refuse("INVALID_INTEGER", format!("{} was not a valid number", self.name))
    }

    fn not_long(&self, value: &str) -> Refusal {
        self.refuse("INVALID_LONG", format!("{value} was not a valid long."))
    }

    fn not_an_option(&self, value: &str) -> Refusal {
        let options: Vec<String> = self
            .options
            .iter()
            .map(|o| {
                let (label, value, order, hidden) = (&o.label, &o.value, o.order, o.hidden);
                format!(
                    "label: \"{label}\"\nvalue: \"{value}\"\ndisplay_order: {order}\nhidden: {hidden}\nread_only: false\n"
                )
            })
            .collect();
        self.refuse("INVALID_OPTION", format!("{value} was not one of the allowed options: [{}]", options.join(", ")))
    }

    /// Holds a value against one rule of an administrator.
    fn obey(&self, rule: &Rule, value: &str) -> Result<(), Refusal> {
        let bound = rule.arguments.first().and_then(|text| text.parse::<f64>().ok());
        let length = value.chars().count();
        #[expect(clippy::cast_precision_loss, reason = "lengths stay far below 2^53")]
        let length = length as f64;
        let number = value.parse::<f64>().unwrap_or(f64::NAN);
        let holds = match (rule.kind.as_str(), bound) {
            ("MIN_LENGTH", Some(least)) => length >= least,
            ("MAX_LENGTH", Some(most)) => length <= most,
            ("MIN_NUMBER", Some(least)) => number >= least,
            ("MAX_NUMBER", Some(most)) => number <= most,
            ("ALPHANUMERIC", _) => value.chars().all(char::is_alphanumeric),
            _ => true,
        };
        if holds {
            return Ok(());
        }
        let message = format!("{value} does not follow the rule {} {}", rule.kind, rule.arguments.join(", "));
        Err(self.refuse("PROPERTY_VALIDATION_RULE_VIOLATED", message))
    }

    fn refuse(&self, code: &'static str, message: String) -> Refusal {
        Refusal::new(&self.name, code, message)
    }
}
