//! Which kinds of field can hold each other's values, and as what two fields are compared.

use crate::model::FieldKind;

/// Whether values of one kind can be written into a field of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Every value.
    Always,
    /// Values that can be read as the other kind; the others wait for a person.
    WhenReadable,
    /// With a value map.
    WithValueMap,
    Never(&'static str),
}

/// What becomes of a value on its way `from` one kind `to` another.
#[must_use]
pub const fn fit(from: FieldKind, to: FieldKind) -> Fit {
    use Class::{Amount, Day, Flag, Link, Moment, Options, Prose, Several};
    use FieldKind::{Integer, Number};
    match (class(from), class(to)) {
        (Link, Link) if same_object(from, to) => Fit::Always,
        (Link, _) | (_, Link) => Fit::Never("a record goes with a record of the same object, by its link"),
        (Amount, Amount) => match (from, to) {
            (Number, Integer) => Fit::WhenReadable,
            _ => Fit::Always,
        },
        (Prose | Flag | Amount | Day | Moment, Prose) | (Flag, Flag) | (Day | Moment, Day | Moment) => Fit::Always,
        (Prose, Flag | Amount | Day | Moment) => Fit::WhenReadable,
        (Prose, Several) | (Several, Prose) => Fit::Never("a text can't stand for several options"),
        (Several, Options) => Fit::Never("several options don't fit into a single one"),
        (Options | Several, Several) | (Prose | Flag | Options, Options) | (Options, Prose | Flag) => Fit::WithValueMap,
        (Day | Moment, Amount) => Fit::Never("a date is not a number"),
        (Amount, Day | Moment) => Fit::Never("a number is not a date"),
        (Flag, _) | (_, Flag) => Fit::Never("yes or no goes with a yes/no field, a text or a choice only"),
        (Options | Several, _) | (_, Options | Several) => Fit::Never("an option is neither a number nor a date"),
    }
}

/// Whether one of several options is to cross: with a value map that says in which order they count.
#[must_use]
pub const fn is_one_of_several(from: FieldKind, to: FieldKind) -> bool {
    matches!((class(from), class(to)), (Class::Several, Class::Options))
}

const fn same_object(one: FieldKind, other: FieldKind) -> bool {
    match (one, other) {
        (FieldKind::Reference(one), FieldKind::Reference(other)) => one as u8 == other as u8,
        _ => false,
    }
}

/// Kinds that behave alike.
#[derive(Clone, Copy)]
enum Class {
    Prose,
    Amount,
    Flag,
    Day,
    Moment,
    Options,
    Several,
    Link,
}

const fn class(kind: FieldKind) -> Class {
    match kind {
        FieldKind::Text
        | FieldKind::LongText
        | FieldKind::RichText
        | FieldKind::Phone
        | FieldKind::Url
        | FieldKind::Domain
        | FieldKind::Email => Class::Prose,
        FieldKind::Number | FieldKind::Integer => Class::Amount,
        FieldKind::Bool => Class::Flag,
        FieldKind::Date => Class::Day,
        FieldKind::DateTime => Class::Moment,
        FieldKind::Choice | FieldKind::Person => Class::Options,
        FieldKind::MultiChoice => Class::Several,
        FieldKind::Reference(_) => Class::Link,
    }
}

/// Whether values are free text.
#[must_use]
pub const fn is_text(kind: FieldKind) -> bool {
    matches!(class(kind), Class::Prose)
}

/// As what two fields are compared, unless somebody says otherwise: the narrower of the two kinds.
#[must_use]
pub fn common(a: FieldKind, b: FieldKind) -> FieldKind {
    use FieldKind::{Choice, Date, Domain, Email, Integer, LongText, MultiChoice, Person, Phone, RichText, Text, Url};
    if a == b {
        return a;
    }
    let either = |kind| a == kind || b == kind;
    if a.has_options() || b.has_options() {
        return if either(MultiChoice) {
            MultiChoice
        } else if a.has_options() && b.has_options() && either(Person) {
            Person
        } else {
            Choice
        };
    }
    match (is_text(a), is_text(b)) {
        // what one side holds with markup is compared without it, whatever the other holds
        (true, true) => {
            [RichText, Domain, Email, Url, Phone, Text].into_iter().find(|kind| either(*kind)).unwrap_or(LongText)
        }
        (true, false) => b,
        (false, true) => a,
        (false, false) => [Integer, Date].into_iter().find(|kind| either(*kind)).unwrap_or(a.min(b)),
    }
}

/// Whether two fields can be compared as `kind`.
#[must_use]
pub fn compares_as(kind: FieldKind, a: FieldKind, b: FieldKind) -> bool {
    if kind == FieldKind::RichText && a != kind && b != kind {
        // a `<` would be taken for markup
        return false;
    }
    let common = common(a, b);
    let as_text = is_text(kind) && (is_text(a) || is_text(b)) && !common.has_options();
    let as_amount = matches!((class(kind), class(common)), (Class::Amount, Class::Amount));
    let as_options = kind.has_options() && common.has_options();
    kind == common || as_text || as_amount || as_options
}

/// As what two fields can be compared; what they would be compared as is among it.
#[must_use]
pub fn comparable(a: FieldKind, b: FieldKind) -> Vec<FieldKind> {
    FieldKind::VALUES.into_iter().filter(|kind| compares_as(*kind, a, b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use FieldKind::{
        Bool, Choice, Date, DateTime, Domain, Integer, LongText, MultiChoice, Number, Person, Phone, RichText, Text,
        Url,
    };

    #[test]
    fn every_pair_has_the_fit_that_people_expect() {
        let cases = [
            (Text, Text, "always"),
            (Phone, Text, "always"),
            (Integer, Number, "always"),
            (Number, Integer, "readable"),
            (Integer, Text, "always"),
            (Text, Integer, "readable"),
            (Date, DateTime, "always"),
            (DateTime, Date, "always"),
            (Text, Choice, "map"),
            (Choice, Text, "map"),
            (Choice, Choice, "map"),
            (Choice, MultiChoice, "map"),
            (Person, Person, "map"),
            (Bool, Choice, "map"),
            (Date, Number, "never"),
            (Integer, Date, "never"),
            (Number, Choice, "never"),
            (Bool, Number, "never"),
            (MultiChoice, Text, "never"),
            (MultiChoice, Choice, "never"),
            (Domain, Text, "always"),
        ];
        for (from, to, expected) in cases {
            let found = match fit(from, to) {
                Fit::Always => "always",
                Fit::WhenReadable => "readable",
                Fit::WithValueMap => "map",
                Fit::Never(_) => "never",
            };
            assert_eq!(found, expected, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn the_common_kind_is_the_same_both_ways_and_compares() {
        for a in FieldKind::VALUES {
            for b in FieldKind::VALUES {
                assert_eq!(common(a, b), common(b, a), "{a:?} {b:?}");
                assert!(comparable(a, b).contains(&common(a, b)), "{a:?} {b:?}");
            }
        }
        let cases = [
            (Text, Integer, Integer),
            (Number, Integer, Integer),
            (Text, Url, Url),
            (Url, Domain, Domain),
            (Date, DateTime, Date),
            (Text, Choice, Choice),
            (RichText, LongText, RichText),
            (Text, RichText, RichText),
        ];
        for (a, b, expected) in cases {
            assert_eq!(common(a, b), expected);
        }
        assert!(!compares_as(RichText, Text, LongText), "what has no markup is not read as markup");
        assert!(!compares_as(Date, Text, Text) && !compares_as(Text, Choice, Choice));
    }

    #[test]
    fn a_fit_is_refused_both_ways_or_not_at_all_apart_from_several_options_for_one() {
        for a in FieldKind::VALUES {
            for b in FieldKind::VALUES {
                if a != b && a.has_options() && b.has_options() {
                    continue;
                }
                assert_eq!(matches!(fit(a, b), Fit::Never(_)), matches!(fit(b, a), Fit::Never(_)), "{a:?} {b:?}");
            }
        }
    }
}
