//! The words of generated records, and what people do to them while typing.

use crate::sim::random::Random;

pub(super) const FIRST: [&str; 24] = [
    "Amber", "Birch", "Copper", "Dune", "Ember", "Fjord", "Granite", "Harbor", "Indigo", "Juniper", "Kestrel", "Lumen",
    "Maple", "North", "Onyx", "Prairie", "Quarry", "Ridge", "Saffron", "Tundra", "Umber", "Violet", "Willow", "Zephyr",
];
pub(super) const SECOND: [&str; 20] = [
    "Foods",
    "Dental",
    "Logistics",
    "Law",
    "Systems",
    "Builders",
    "Clinic",
    "Motors",
    "Textiles",
    "Energy",
    "Capital",
    "Design",
    "Farms",
    "Hotels",
    "Media",
    "Optics",
    "Plastics",
    "Robotics",
    "Supply",
    "Travel",
];
pub(super) const CITIES: [(&str, &str, &str); 8] = [
    ("Portland", "OR", "97201"),
    ("Austin", "TX", "73301"),
    ("Tampa", "FL", "33602"),
    ("Boise", "ID", "83702"),
    ("Albany", "NY", "12207"),
    ("Dayton", "OH", "45402"),
    ("Fresno", "CA", "93650"),
    ("Salem", "MA", "01970"),
];
pub(super) const INDUSTRIES: [&str; 6] =
    ["COMPUTER_SOFTWARE", "CONSTRUCTION", "HOSPITAL_HEALTH_CARE", "LAW_PRACTICE", "RETAIL", "FARMING"];
pub(super) const LIFE_STAGES: [&str; 4] = ["lead", "opportunity", "customer", "subscriber"];
pub(super) const GIVEN: [&str; 20] = [
    "Amy",
    "Zoé",
    "Jürgen",
    "Noor",
    "Łukasz",
    "Mei",
    "José",
    "Siân",
    "Ola",
    "Åsa",
    "Raj",
    "Chloë",
    "Ivan",
    "Nuñez",
    "Fatima",
    "Søren",
    "Bob",
    "Li",
    "Đorđe",
    "Anne-Marie",
];
pub(super) const FAMILY: [&str; 20] = [
    "Lin",
    "O'Neil",
    "Müller",
    "van der Berg",
    "Nakamura",
    "Smith",
    "García",
    "Åkesson",
    "Novák",
    "McDonald",
    "Haddad",
    "Êvora",
    "Kim",
    "Ó Briain",
    "Smith-Jones",
    "Costa",
    "Petrov",
    "Ng",
    "Olsen",
    "Brown",
];
pub(super) const TITLES: [&str; 8] =
    ["Owner", "Office Manager", "IT", "Head of Finance", "Buyer", "Technician", "Director", "Clerk"];
pub(super) const THINGS: [&str; 10] = [
    "Managed Workstations",
    "Firewall",
    "Backup",
    "Phones",
    "Cabling",
    "Licences",
    "Cameras",
    "Servers",
    "Wi-Fi",
    "Cleaning up",
];
pub(super) const TROUBLES: [&str; 10] = [
    "Cannot print",
    "VPN drops",
    "Mail bounces",
    "Screen is black",
    "Password forgotten",
    "Slow as treacle",
    "Disk is full",
    "No sound",
    "Tablet will not charge",
    "Certificate has expired",
];
const EMOJI: [&str; 5] = ["🌱", "🦊", "👩‍🚀", "🖨️", "⭐"];

/// A text as people type it: most are clean, some are not.
pub(super) fn messy(random: &mut Random, clean: &str) -> String {
    match random.below(40) {
        0 => format!("{clean} "),
        1 => format!("  {clean}"),
        2 => clean.to_uppercase(),
        3 => clean.to_lowercase(),
        4 => format!("{clean} {}", random.pick(&EMOJI)),
        5 => decomposed(clean),
        6 => clean.replace(' ', "  "),
        7 => clean.replace('\'', "’"),
        _ => clean.to_owned(),
    }
}

/// The same text with its accents as characters of their own.
fn decomposed(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    text.nfd().collect()
}

/// A phone number in one of the manners in which it is written; the same number for the same `number`.
pub(super) fn phone(random: &mut Random, number: usize) -> String {
    let (area, line) = (number / 10_000 % 1000, number % 10_000);
    match random.below(6) {
        0 => format!("(555) {area:03}-{line:04}"),
        1 => format!("+1 555 {area:03} {line:04}"),
        2 => format!("555.{area:03}.{line:04}"),
        3 => format!("1555{area:03}{line:04}"),
        4 => format!("555-{area:03}-{line:04} "),
        _ => format!("+1-555-{area:03}-{line:04}"),
    }
}

/// The part of an address before its `@`: ASCII letters and digits of a name.
pub(super) fn mailbox(first: &str, last: &str, number: usize) -> String {
    let plain = |text: &str| -> String { decomposed(text).chars().filter(char::is_ascii_alphanumeric).collect() };
    format!("{}.{}{number}", plain(first).to_lowercase(), plain(last).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_ascii_whatever_the_name() {
        for (given, family) in GIVEN.iter().zip(FAMILY) {
            let mailbox = mailbox(given, family, 7);
            assert!(mailbox.is_ascii() && !mailbox.contains(' ') && mailbox.ends_with('7'), "{mailbox}");
        }
    }

    #[test]
    fn one_number_is_written_in_several_manners() {
        let mut random = Random::new(1);
        let written: std::collections::BTreeSet<String> = (0..60).map(|_| phone(&mut random, 1_234_567)).collect();
        assert_eq!(written.len(), 6);
        for manner in written {
            let digits: String = manner.chars().filter(char::is_ascii_digit).collect();
            assert!(digits.ends_with("5551234567"), "{manner}");
        }
    }
}
