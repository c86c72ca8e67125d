//! Values that the portal sets by itself: at birth, when a stage or an owner moves, and those that are calculated.

use rust_decimal::Decimal;

use super::Behaviour;
use super::collection::{Collection, Record};
use super::kinds::KindRef;
use super::portal::{Checked, HOME_CURRENCY, Portal, Provenance};
use super::schema::{Access, Property};
use crate::sim::clock::{iso_millis, parse_instant};
use crate::sim::object::Object;

/// What one unit of a currency is worth in the account's own. One fixed table: rates are not what is simulated.
const RATES: [(&str, &str); 4] = [("EUR", "1.1"), ("GBP", "1.25"), ("CAD", "0.75"), ("AUD", "0.65")];
const DAY: i64 = 86_400_000;
/// Longest preview of a rich text, in characters.
const PREVIEW: usize = 250;

/// Collects values by the names of their properties; ones that the object does not have are left out.
pub(crate) struct Sheet<'a> {
    collection: &'a Collection,
    values: Checked,
}

impl<'a> Sheet<'a> {
    pub const fn of(collection: &'a Collection) -> Self {
        Self { collection, values: Checked::new() }
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        if let Some(id) = self.collection.schema.any_id(name) {
            self.values.push((id, value.into()));
        }
    }

    pub fn done(self) -> Checked {
        self.values
    }
}

/// What every new record gets beside the values it was given.
pub(crate) fn birth(
    collection: &Collection,
    id: u64,
    given: &Checked,
    who: &Provenance,
    behaviour: &Behaviour,
) -> Checked {
    let mut sheet = Sheet::of(collection);
    let has = |name: &str| {
        let id = collection.schema.any_id(name);
        given.iter().any(|(p, value)| Some(*p) == id && !value.is_empty())
    };
    sheet.set("hs_object_source", who.source);
    sheet.set("hs_object_source_id", who.source_id.clone());
    sheet.set("hs_object_source_label", who.source);
    if let Some(user) = &who.user {
        sheet.set("hs_created_by_user_id", user.clone());
        sheet.set("hs_object_source_user_id", user.clone());
        sheet.set("hs_updated_by_user_id", user.clone());
    }
    match collection.kind.object {
        Object::Contact => {
            sheet.set("hs_all_contact_vids", id.to_string());
            sheet.set("hs_is_unworked", "true");
            if let (Some(stage), false) = (&behaviour.contact_lifecycle_default, has("lifecyclestage")) {
                sheet.set("lifecyclestage", stage.clone());
            }
        }
        Object::Deal if !has("deal_currency_code") => sheet.set("deal_currency_code", HOME_CURRENCY),
        Object::Ticket => sheet.set("hs_ticket_id", id.to_string()),
        Object::LineItem if !has("quantity") => sheet.set("quantity", "1"),
        Object::Task => {
            for (name, value) in
                [("hs_task_status", "NOT_STARTED"), ("hs_task_priority", "NONE"), ("hs_task_type", "TODO")]
            {
                if !has(name) {
                    sheet.set(name, value);
                }
            }
        }
        _ => {}
    }
    sheet.done()
}

/// What follows at once when a stage, an owner or a status moves. `new` is about to be set.
pub(crate) fn on_change(portal: &Portal, kind: KindRef, id: u64, new: &Checked, now: i64) -> Checked {
    let collection = portal.of(kind);
    let Some(record) = collection.records.get(&id) else { return Checked::new() };
    let mut sheet = Sheet::of(collection);
    let given = |name: &str| {
        let id = collection.schema.any_id(name)?;
        new.iter().rev().find(|(p, _)| *p == id).map(|(_, value)| value.as_str())
    };
    let moved = |name: &str| given(name).filter(|value| collection.text(record, name).unwrap_or_default() != *value);
    if let Some(owner) = moved("hubspot_owner_id") {
        sheet.set("hubspot_owner_assigneddate", if owner.is_empty() { String::new() } else { iso_millis(now) });
        sheet.set("hs_all_owner_ids", owner);
    }
    if let Some(status) = moved("hs_task_status") {
        let is_done = status == "COMPLETED";
        sheet.set("hs_task_completion_date", if is_done { iso_millis(now) } else { String::new() });
    }
    if let Some(stage) = kind.pipeline.and_then(|(_, stage)| moved(stage)) {
        let old = kind.pipeline.and_then(|(_, stage)| collection.text(record, stage));
        stage_moved(portal, &mut sheet, kind, (old, stage), now, given(closing(kind)).is_some());
    }
    sheet.done()
}

/// The property that says when a record was closed.
const fn closing(kind: KindRef) -> &'static str {
    match kind.object {
        Object::Ticket => "closed_date",
        _ => "closedate",
    }
}

fn stage_moved(
    portal: &Portal,
    sheet: &mut Sheet<'_>,
    kind: KindRef,
    (old, new): (Option<&str>, &str),
    now: i64,
    says_when: bool,
) {
    let is_closed = |id: &str| portal.pipelines.stage(kind, id).is_some_and(|(_, stage)| stage.is_closed);
    let was_closed = old.is_some_and(is_closed);
    // A closed stage tells when, unless the client does so itself in the same write.
    if is_closed(new) && !says_when {
        sheet.set(closing(kind), iso_millis(now));
    }
    if kind.object == Object::Ticket && is_closed(new) {
        sheet.set("hs_last_closed_date", iso_millis(now));
    }
    if kind.object == Object::Ticket && was_closed && !is_closed(new) {
        sheet.set("hs_ticket_reopened_at", iso_millis(now));
        if !says_when {
            sheet.set(closing(kind), "");
        }
    }
    if kind.object == Object::Deal && new == "closedwon" {
        sheet.set("hs_closed_won_date", iso_millis(now));
    }
    if let Some(old) = old {
        sheet.set(&format!("hs_v2_date_exited_{old}"), iso_millis(now));
    }
    sheet.set(&format!("hs_v2_date_entered_{new}"), iso_millis(now));
    sheet.set("hs_v2_date_entered_current_stage", iso_millis(now));
}

/// The properties that tell when a record entered and left a stage.
pub(crate) fn define_stage_times(collection: &mut Collection, stage: &str, now: i64) {
    for (word, label) in [("entered", "Date entered"), ("exited", "Date exited")] {
        let name = format!("hs_v2_date_{word}_{stage}");
        if collection.schema.any_id(&name).is_none() {
            let mut property = Property::text(&name, &format!("{label} {stage}"), false, now, collection.kind);
            (property.kind, property.field_type) = ("datetime".to_owned(), "date".to_owned());
            (property.access, property.standard) = (Access::Calculated, true);
            collection.schema.add(property);
        }
    }
}

/// All calculated values of a record as they are now.
pub(crate) fn values(portal: &Portal, kind: KindRef, id: u64, _now: i64) -> Checked {
    let collection = portal.of(kind);
    let Some(record) = collection.records.get(&id) else { return Checked::new() };
    let mut sheet = Sheet::of(collection);
    let facts = Facts { portal, collection, record };
    match kind.object {
        Object::Contact => facts.contact(&mut sheet),
        Object::Company if facts.text("annualrevenue").is_some() => {
            sheet.set("hs_annual_revenue_currency_code", HOME_CURRENCY);
        }
        Object::Deal => facts.deal(&mut sheet),
        Object::Ticket => facts.ticket(&mut sheet),
        Object::LineItem => facts.line_item(&mut sheet),
        Object::Task => {
            sheet
                .set("hs_task_is_completed", if facts.text("hs_task_status") == Some("COMPLETED") { "1" } else { "0" });
            facts.preview(&mut sheet, "hs_task_body");
        }
        Object::Note => facts.preview(&mut sheet, "hs_note_body"),
        Object::Call => facts.preview(&mut sheet, "hs_call_body"),
        Object::Meeting => facts.preview(&mut sheet, "hs_meeting_body"),
        _ => {}
    }
    sheet.done()
}

struct Facts<'a> {
    portal: &'a Portal,
    collection: &'a Collection,
    record: &'a Record,
}

impl<'a> Facts<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.collection.text(self.record, name).filter(|value| !value.is_empty())
    }

    fn decimal(&self, name: &str) -> Option<Decimal> {
        self.text(name).and_then(decimal)
    }

    fn contact(&self, sheet: &mut Sheet<'_>) {
        let email = self.text("email");
        sheet.set("hs_email_domain", email.and_then(|e| e.rsplit_once('@')).map_or("", |(_, domain)| domain));
        let names: Vec<&str> = [self.text("firstname"), self.text("lastname")].into_iter().flatten().collect();
        let full = if names.is_empty() { email.unwrap_or_default().to_owned() } else { names.join(" ") };
        sheet.set("hs_full_name_or_email", full);
        let phone = self.text("phone").map(Phone::read);
        sheet.set("hs_calculated_phone_number", phone.as_ref().map_or(String::new(), Phone::international));
        sheet.set("hs_searchable_calculated_phone_number", phone.map_or(String::new(), |p| p.national));
        let mobile = self.text("mobilephone").map(Phone::read);
        sheet.set("hs_calculated_mobile_number", mobile.as_ref().map_or(String::new(), Phone::international));
    }

    fn deal(&self, sheet: &mut Sheet<'_>) {
        let stage = self.text("dealstage").and_then(|id| self.portal.pipelines.stage(self.collection.kind, id));
        let probability = stage.and_then(|(_, s)| s.probability.as_deref()).and_then(decimal);
        let is_closed = stage.is_some_and(|(_, s)| s.is_closed);
        let is_won = is_closed && probability == Some(Decimal::ONE);
        let amount = self.decimal("amount");
        let rate = rate(self.text("deal_currency_code").unwrap_or(HOME_CURRENCY));
        let home = amount.map(|a| a * rate);
        sheet.set("hs_is_closed", is_closed.to_string());
        sheet.set("hs_is_closed_won", is_won.to_string());
        sheet.set("hs_is_closed_lost", (is_closed && !is_won).to_string());
        sheet.set("hs_deal_stage_probability", probability.map_or(String::new(), plain));
        sheet.set("hs_exchange_rate", if rate == Decimal::ONE { String::new() } else { plain(rate) });
        sheet.set("amount_in_home_currency", home.map_or(String::new(), plain));
        let won = |value: Option<Decimal>| if is_won { value.unwrap_or_default() } else { Decimal::ZERO };
        sheet.set("hs_closed_amount", plain(won(amount)));
        sheet.set("hs_closed_amount_in_home_currency", plain(won(home)));
        let weighted = |value: Option<Decimal>| value.zip(probability).map_or(String::new(), |(v, p)| plain(v * p));
        sheet.set("hs_projected_amount", weighted(amount));
        sheet.set("hs_projected_amount_in_home_currency", weighted(home));
        let first = self.text("pipeline").and_then(|id| self.portal.pipelines.get(self.collection.kind, id));
        let first = first.and_then(|p| p.stages.iter().filter(|s| !s.archived).min_by_key(|s| s.order));
        let is_first = first.is_some_and(|s| Some(s.id.as_str()) == self.text("dealstage"));
        sheet.set("hs_is_in_first_deal_stage", is_first.to_string());
        let closed = self.text("closedate").and_then(parse_instant).filter(|_| is_closed);
        sheet.set("days_to_close", closed.map_or(String::new(), |at| ((at - self.created()) / DAY).max(0).to_string()));
    }

    fn created(&self) -> i64 {
        self.text("createdate").and_then(parse_instant).unwrap_or(self.record.created)
    }

    fn ticket(&self, sheet: &mut Sheet<'_>) {
        let closed = self.text("closed_date").and_then(parse_instant);
        sheet.set("time_to_close", closed.map_or(String::new(), |at| (at - self.created()).max(0).to_string()));
        sheet.set("hs_ticket_id", self.record.id.to_string());
    }

    /// Price times quantity, less the unit discount or the share.
    fn line_item(&self, sheet: &mut Sheet<'_>) {
        let (price, quantity) = (self.decimal("price"), self.decimal("quantity").unwrap_or(Decimal::ONE));
        let Some(gross) = price.and_then(|p| p.checked_mul(quantity)) else {
            for name in ["amount", "hs_pre_discount_amount", "hs_total_discount"] {
                sheet.set(name, "");
            }
            return;
        };
        let share = self.decimal("hs_discount_percentage").map(|percent| gross * percent / Decimal::ONE_HUNDRED);
        let unit = self.decimal("discount").and_then(|d| d.checked_mul(quantity));
        let discount = share.or(unit).unwrap_or_default();
        sheet.set("amount", plain(gross - discount));
        sheet.set("hs_pre_discount_amount", plain(gross));
        sheet.set("hs_total_discount", plain(discount));
    }

    fn preview(&self, sheet: &mut Sheet<'_>, body: &str) {
        sheet.set("hs_body_preview", self.text(body).map_or(String::new(), without_tags));
    }
}

/// Bounded, so that no product of two values overflows.
fn decimal(text: &str) -> Option<Decimal> {
    let value = text.parse::<Decimal>().ok().or_else(|| Decimal::from_scientific(text).ok())?;
    (value.abs() < Decimal::from(1_000_000_000_000_i64)).then(|| value.round_dp(8))
}

fn plain(value: Decimal) -> String {
    value.round_dp(6).normalize().to_string()
}

fn rate(currency: &str) -> Decimal {
    let known = RATES.iter().find(|(code, _)| *code == currency);
    known.and_then(|(_, rate)| rate.parse().ok()).unwrap_or(Decimal::ONE)
}

fn without_tags(html: &str) -> String {
    let mut inside = false;
    let kept = html.chars().filter(|c| {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                return false;
            }
            _ => {}
        }
        !inside
    });
    kept.take(PREVIEW).collect::<String>().trim().to_owned()
}

/// A telephone number as HubSpot's calculated copies show it; what was typed stays as it is.
struct Phone {
    country: String,
    national: String,
}

impl Phone {
    /// Numbers without a country are taken for American ones.
    fn read(text: &str) -> Self {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        match (text.trim_start().starts_with('+'), digits.strip_prefix('1')) {
            (true, Some(rest)) if rest.len() == 10 => Self { country: "1".to_owned(), national: rest.to_owned() },
            (true, _) => {
                let (country, national) = digits.split_at(digits.len().min(2));
                Self { country: country.to_owned(), national: national.to_owned() }
            }
            (false, _) => Self { country: "1".to_owned(), national: digits },
        }
    }

    fn international(&self) -> String {
        if self.national.is_empty() { String::new() } else { format!("+{}{}", self.country, self.national) }
    }
}

/// As a client that formats telephone numbers would store it: `+1 555 010 0199`.
pub(crate) fn formatted_phone(text: &str) -> String {
    Phone::read(text).international()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_has_no_tags() {
        assert_eq!(without_tags("<p>Called <b>Rei</b></p>"), "Called Rei");
    }

    #[test]
    fn calculated_numbers_have_a_country() {
        assert_eq!(formatted_phone("(555) 010-0199"), "+15550100199");
        assert_eq!(formatted_phone("+49 30 1234"), "+49301234");
    }
}
