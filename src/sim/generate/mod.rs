//! A portal and a tenant made from a seed: as many records of every object as wanted, some of them in both systems.
//!
//! The same seed, sizes and time give the same records. Beside clean ones there are those that integrations trip over:
//! text with capitals, blanks, accents in two forms and emoji; phones in five manners; contacts without e-mail, without
//! company, or with the e-mail of another (in ConnectWise: HubSpot's are unique); deals without owner, closed and on hold;
//! members that left; a catch-all company full of noise; records that were deleted.

mod people;
mod sales;
mod service;
mod text;

use std::io;

use serde_json::{Map, Value, json};

use super::clock::{iso_millis, iso_seconds};
use super::connectwise::Tenant;
use super::control::ControlError;
use super::hubspot::Portal;
use super::ledger::{Actor, Ledger};
use super::object::Object;
use super::options::{Behaviour, Sizes};
use super::people::People;
use super::random::Random;
use super::world::Act;

const DAY: i64 = 86_400_000;
/// Owners of the portal and the members of the same people; the last one has left.
const STAFF: [(&str, &str); 5] = [
    ("70100011", "mvance"),
    ("70100012", "tokafor"),
    ("70100013", "jlind"),
    ("70100014", "rsato"),
    ("70100016", "pquill"),
];

/// Fills both systems.
///
/// # Errors
/// When a record does not fit the rules of its system.
pub(crate) fn load(portal: &mut Portal, tenant: &mut Tenant, now: i64, seed: u64, sizes: Sizes) -> io::Result<()> {
    let mut maker =
        Maker { portal, tenant, now, random: Random::new(seed), sizes, made: Vec::new(), taken: Vec::new() };
    for object in [Object::Company, Object::Contact, Object::Product, Object::Deal, Object::LineItem, Object::Ticket] {
        maker.all_of(object).map_err(|e| io::Error::other(format!("Generated {object} do not fit: {e}")))?;
    }
    maker.all_of(Object::Activity).map_err(|e| io::Error::other(format!("Generated activities do not fit: {e}")))?;
    maker.delete_some().map_err(|e| io::Error::other(format!("Generated records cannot be deleted: {e}")))
}

/// Where one generated record is.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    hubspot: Option<u64>,
    connectwise: Option<u64>,
}

/// Which systems a record is to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sides {
    hubspot: bool,
    connectwise: bool,
}

/// What both systems could know of one record.
#[derive(Default)]
struct Profile {
    hubspot: Vec<(&'static str, String)>,
    connectwise: Map<String, Value>,
    /// What HubSpot's record is associated with; the first company is its primary one.
    links: Vec<(Object, u64)>,
    /// What kind of activity HubSpot calls it.
    kind: Option<Object>,
}

impl Profile {
    fn hubspot(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.hubspot.push((name, value));
        }
    }

    fn connectwise(&mut self, name: &str, value: Value) {
        if !value.is_null() && value != "" {
            self.connectwise.insert(name.to_owned(), value);
        }
    }

    fn both(&mut self, hubspot: &'static str, connectwise: &str, value: &str) {
        self.hubspot(hubspot, value);
        self.connectwise(connectwise, json!(value));
    }
}

struct Maker<'a> {
    portal: &'a mut Portal,
    tenant: &'a mut Tenant,
    now: i64,
    random: Random,
    sizes: Sizes,
    made: Vec<(Object, Vec<Place>)>,
    /// E-mail addresses of ConnectWise that another contact may share.
    taken: Vec<String>,
}

impl Maker<'_> {
    fn all_of(&mut self, object: Object) -> Result<(), ControlError> {
        let size = self.sizes.of(object);
        self.made.push((object, Vec::new()));
        if object == Object::Company && self.sizes.is_rich() {
            self.furniture()?;
        }
        for index in 0..size.all() {
            let in_hubspot = index < size.hubspot;
            let sides = Sides { hubspot: in_hubspot, connectwise: index < size.twins() || !in_hubspot };
            let profile = match object {
                Object::Company => self.company(index, sides),
                Object::Contact => self.contact(index, sides),
                Object::Product => self.product(index),
                Object::Deal => self.deal(index, sides),
                Object::LineItem => self.line_item(index, sides),
                Object::Ticket => self.ticket(index, sides),
                _ => self.activity(index, sides),
            };
            let place = self.place(object, sides, &profile)?;
            if let Some((_, places)) = self.made.last_mut() {
                places.push(place);
            }
        }
        Ok(())
    }

    fn place(&mut self, object: Object, sides: Sides, profile: &Profile) -> Result<Place, ControlError> {
        let (created, modified) = self.ages();
        let mut place = Place::default();
        if sides.hubspot {
            let object = profile.kind.unwrap_or(object);
            let values: Vec<(&str, &str)> = profile.hubspot.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let id = self.portal.seed(object, created, modified, &values);
            let id = id.ok_or(ControlError::NoObject { side: "HubSpot", object })?;
            for (other, other_id) in &profile.links {
                self.portal.seed_association((object, id), (*other, *other_id))?;
            }
            place.hubspot = Some(id);
        }
        if sides.connectwise {
            place.connectwise = Some(self.tenant.seed(object, (created, modified), &profile.connectwise)?);
        }
        Ok(place)
    }

    /// When a record came, and when it last changed.
    fn ages(&mut self) -> (i64, i64) {
        let days = self.below(2000) + 2;
        let modified = self.now - self.below(days * DAY - DAY) - DAY;
        (self.now - days * DAY - DAY, modified)
    }

    /// The tenant's own company and the one where mail of unknown senders lands, under the ids of the story.
    fn furniture(&mut self) -> Result<(), ControlError> {
        for (identifier, name) in
            [("YourCompany", "Brightwater IT Services"), ("Catchall", "Catchall (unknown senders)")]
        {
            let fields = json!({"identifier": identifier, "name": name, "status": {"id": 1}, "site": {"name": "Main"}});
            let fields = fields.as_object().cloned().unwrap_or_default();
            self.tenant.seed(Object::Company, (self.now - 3000 * DAY, self.now - 2000 * DAY), &fields)?;
        }
        Ok(())
    }

    /// One record in a hundred goes where its system puts deleted ones.
    fn delete_some(&mut self) -> Result<(), ControlError> {
        if !self.sizes.is_rich() {
            return Ok(());
        }
        let (behaviour, mut ledger) = (Behaviour::default(), Ledger::default());
        let mut act = Act {
            now: self.now - DAY / 2,
            actor: Actor::Human("51446676".to_owned()),
            behaviour: &behaviour,
            ledger: &mut ledger,
        };
        for object in [Object::Company, Object::Contact, Object::Deal] {
            let found = self.made.iter().find(|(made, _)| *made == object);
            let places = found.map(|(_, places)| places.as_slice()).unwrap_or_default();
            for place in places.iter().skip(50).step_by(100) {
                if let Some(id) = place.hubspot {
                    People::delete(self.portal, &mut act, object, id)?;
                }
                // Only companies survive a deletion there, marked as deleted; the rest would be missed by their references.
                if let (Some(id), Object::Company) = (place.connectwise, object) {
                    People::delete(self.tenant, &mut act, object, id)?;
                }
            }
        }
        Ok(())
    }

    fn below(&mut self, bound: i64) -> i64 {
        i64::try_from(self.random.below(usize::try_from(bound).unwrap_or(1))).unwrap_or(0)
    }

    /// Whether something happens that happens to so many in a hundred.
    fn percent(&mut self, share: usize) -> bool {
        self.random.below(100) < share
    }

    fn staff(&mut self) -> (&'static str, &'static str) {
        // The one who left has few records.
        let index = if self.percent(5) { STAFF.len() - 1 } else { self.random.below(STAFF.len() - 1) };
        STAFF.get(index).copied().unwrap_or(("70100011", "mvance"))
    }

    /// A record of another object that is in all the systems named; none when there is none.
    fn any(&mut self, object: Object, sides: Sides) -> Option<Place> {
        let size = self.sizes.of(object);
        let (start, length) = match (sides.hubspot, sides.connectwise) {
            (true, true) => (0, size.twins()),
            (true, false) => (0, size.hubspot),
            (false, _) => (size.hubspot, size.all() - size.hubspot),
        };
        // Without records of ConnectWise alone, twins do.
        let (start, length) = if length == 0 && !sides.hubspot { (0, size.twins()) } else { (start, length) };
        if length == 0 {
            return None;
        }
        let index = start + self.random.below(length);
        let (_, places) = self.made.iter().find(|(made, _)| *made == object)?;
        places.get(index).copied()
    }

    /// A day near the start, before or after it, as both systems write dates: midnight, UTC.
    fn day(&mut self, back: i64, ahead: i64) -> String {
        let day = self.now - back * DAY + self.below((back + ahead) * DAY);
        iso_seconds(day.div_euclid(DAY) * (DAY / 1000))
    }

    fn moment(&mut self, back: i64, ahead: i64) -> String {
        let at = self.now - back * DAY + self.below((back + ahead) * DAY);
        iso_millis(at)
    }
}

/// A reference by id.
fn reference(id: u64) -> Value {
    json!({ "id": id })
}
