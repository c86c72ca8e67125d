//! When a forecast is read: each is a call of its own, and change feeds show an opportunity again and again.

use std::time::Duration;

use lockstep::sim::Object;

use super::lines::Office;
use super::objects::switch;
use super::*;

const DEAL: [&str; 2] = ["name", "amount"];
const LINE: [&str; 2] = ["opportunity", "revenue"];

/// One opportunity with its amount and a line item, changed this moment.
struct Desk {
    office: Office,
    deal: u64,
    line: u64,
    /// A moment before the change.
    from: Timestamp,
}

impl Desk {
    async fn new(switched: &Json) -> Self {
        let office = Office::new(Data::Story).await;
        let (deals, ..) = page(ask_of(&office.psa, ObjectKind::Deal, list(&["name"], None, 1)).await);
        let deal = deals[0].id.0;
        let item = json!({"opportunity": {"id": deal}, "status": {"id": 1}, "forecastType": "Product",
            "forecastDescription": "Switches", "quantity": 1, "revenue": 1200});
        let line = office.create(Object::LineItem, &item);
        office.update(ObjectKind::Deal, deal, &[("amount", Value::Number(500.into()))]).await;
        switch(&office.running, switched);
        let desk = Self { from: office.now() + Duration::from_secs(3600), office, deal, line };
        // nothing else is among what changed
        desk.pass(3660);
        desk.office.edit(Object::Deal, deal, &json!({"name": "Renamed"}));
        desk
    }

    fn pass(&self, seconds: u64) {
        self.office.running.control.advance(Duration::from_secs(seconds));
    }

    /// The amount and the revenue of the line as a change feed of each shows them, and how many forecasts that took.
    async fn look(&self) -> (String, String, u64) {
        self.office.running.control.clear_calls();
        let deals = self.office.changed(ObjectKind::Deal, &DEAL, self.from).await;
        let lines = self.office.changed(ObjectKind::LineItem, &LINE, self.from).await;
        assert_eq!(ids(&deals), [self.deal]);
        let line = lines.iter().find(|line| line.id.0 == self.line).unwrap();
        (deals[0].value("amount").to_plain(), line.value("revenue").to_plain(), self.read())
    }

    /// Forecasts that were read.
    fn read(&self) -> u64 {
        let calls = self.office.running.control.calls();
        let of_forecasts = calls.iter().filter(|(call, _)| call.contains("GET") && call.contains("forecast"));
        of_forecasts.flat_map(|(_, by_status)| by_status.values()).sum()
    }

    fn edit_line(&self, revenue: u64) {
        self.office.edit(Object::LineItem, self.line, &json!({ "revenue": revenue }));
    }
}

fn shows(amount: &str, revenue: &str, read: u64) -> (String, String, u64) {
    (amount.to_owned(), revenue.to_owned(), read)
}

#[tokio::test]
async fn an_opportunity_that_is_shown_again_unchanged_costs_no_forecast() {
    let desk = Desk::new(&json!({})).await;
    assert_eq!(desk.look().await, shows("500", "1200", 2), "the change is too fresh to be sure of what follows it");
    desk.pass(31);
    assert_eq!(desk.look().await, shows("500", "1200", 1), "one read does for both");
    desk.pass(60);
    assert_eq!(desk.look().await, shows("500", "1200", 0));
    desk.office.edit(Object::Deal, desk.deal, &json!({"name": "Renamed once more"}));
    assert_eq!(desk.look().await.2, 2, "it changed");
}

#[tokio::test]
async fn the_settled_pass_reads_a_forecast_anew_and_so_does_every_list_and_read() {
    let desk = Desk::new(&json!({"child_touches_parent": false})).await;
    desk.pass(31);
    assert_eq!(desk.look().await.2, 1);
    desk.edit_line(7);
    assert_eq!(desk.look().await, shows("500", "1200", 0), "nothing told of it");
    desk.pass(1200);
    assert_eq!(desk.look().await, shows("500", "7", 2));
    // from now on nothing that is shown is taken for unchanged
    desk.office.edit(Object::Deal, desk.deal, &json!({"name": "Renamed once more"}));
    desk.pass(31);
    for _ in 0..2 {
        assert_eq!(desk.look().await.2, 2);
    }
    for body in [list(&DEAL, Some(desk.deal - 1), 1), read(&DEAL, &[desk.deal])] {
        desk.office.running.control.clear_calls();
        ask_of(&desk.office.psa, ObjectKind::Deal, body).await;
        assert_eq!(desk.read(), 1);
    }
}

#[tokio::test]
async fn an_edit_of_an_item_that_counts_as_one_of_its_opportunity_is_shown_at_once() {
    let desk = Desk::new(&json!({"child_touches_parent": true})).await;
    desk.pass(31);
    desk.look().await;
    assert_eq!(desk.look().await.2, 0);
    desk.edit_line(7);
    assert_eq!(desk.look().await, shows("500", "7", 2));
}

/// A call-back tells of an edit that moves no date: what it leads to must not be taken back by the next look.
#[tokio::test]
async fn what_a_read_showed_is_never_taken_back_by_a_change_feed() {
    let desk = Desk::new(&json!({"child_touches_parent": false})).await;
    desk.pass(31);
    desk.look().await;
    desk.edit_line(7);
    let AnswerBody::Records { found } = ask_of(&desk.office.psa, ObjectKind::LineItem, read(&LINE, &[desk.line])).await
    else {
        panic!("not read")
    };
    assert_eq!(found[0].1.as_ref().unwrap().value("revenue").to_plain(), "7");
    assert_eq!(desk.look().await, shows("500", "7", 2));
}

#[tokio::test]
async fn ones_own_amount_is_shown_as_it_was_written() {
    let desk = Desk::new(&json!({"child_touches_parent": false})).await;
    desk.pass(31);
    desk.look().await;
    desk.office.update(ObjectKind::Deal, desk.deal, &[("amount", Value::Number(750.into()))]).await;
    let (amount, ..) = desk.look().await;
    assert_eq!(amount, "750");
    desk.office.update(ObjectKind::LineItem, desk.line, &[("revenue", Value::Number(9.into()))]).await;
    let (_, revenue, _) = desk.look().await;
    assert_eq!(revenue, "9");
    desk.pass(31);
    desk.look().await;
    assert_eq!(desk.look().await, shows("750", "9", 0), "one's own edits are not those of people without a word");
}
