//! Lists: conditions, order and pages; for records and for plain rows.

use std::cmp::Ordering;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::conditions::{self, Condition, Op, Operand, Row};
use super::entity::Entity;
use super::paths::{JsonRow, Path, Seen, inside};
use super::record::Record;
use super::rules;
use super::tables::{Table, id_of};
use super::tenant::Tenant;
use super::{Call, Failure};
use crate::sim::wire::Reply;

mod paging;

pub(crate) use paging::partial;
use paging::{Page, is_forward_only, link, number, page_size};

/// Longest list of a search body's conditions, in bytes.
const MOST_CONDITIONS: usize = 1_000_000;

/// What a list is asked by: from the query, or for a search from the body.
#[derive(Debug, Default)]
pub(crate) struct Question {
    pub conditions: String,
    pub child: String,
    pub custom: String,
    pub order: String,
}

impl Question {
    pub fn of(call: &Call<'_>) -> Self {
        let param = |name: &str| call.request.param(name).unwrap_or_default().to_owned();
        Self {
            conditions: param("conditions"),
            child: param("childConditions"),
            custom: param("customFieldConditions"),
            order: param("orderBy"),
        }
    }

    /// `FilterValues` and nothing else: paging and `fields` stay in the query.
    pub fn of_body(body: &Value) -> Result<Self, Failure> {
        let map = body.as_object().ok_or_else(|| {
            Failure::Conversion(
                "Error converting value to type 'FilterValues'. Path '', line 1, position 1.".to_owned(),
            )
        })?;
        let mut question = Self::default();
        for (name, value) in map {
            let slot = match name.to_ascii_lowercase().as_str() {
                "conditions" => &mut question.conditions,
                "childconditions" => &mut question.child,
                "customfieldconditions" => &mut question.custom,
                "orderby" => &mut question.order,
                _ => return Err(Failure::UnknownMember { model: "FilterValues", name: name.clone() }),
            };
            value.as_str().unwrap_or_default().clone_into(slot);
            if slot.len() > MOST_CONDITIONS {
                return Err(find_condition("The conditions are too long.".to_owned()));
            }
        }
        Ok(question)
    }
}

/// The conditions of one request, resolved.
struct Asked {
    own: Option<Condition<Path>>,
    child: Option<Condition>,
    custom: Option<Condition>,
}

impl Asked {
    fn of(call: &Call<'_>, entity: Entity, question: &Question) -> Result<Self, Failure> {
        let tenant = call.tenant();
        let own = parsed(call, &question.conditions)?;
        let own = own.map(|c| c.resolve(&mut |name| Path::find(tenant, entity, name))).transpose();
        let children: &[&str] = if entity == Entity::Contact { &CONTACT_LISTS } else { &[] };
        let values: &[&str] = if entity.about().screen.is_some() { &CUSTOM_VALUE } else { &[] };
        Ok(Self {
            own: own.map_err(unrecognized)?,
            child: beside(call, "childConditions", &question.child, children)?,
            custom: beside(call, "customFieldConditions", &question.custom, values)?,
        })
    }

    fn holds(&self, call: &Call<'_>, seen: Seen<'_>) -> bool {
        self.own.as_ref().is_none_or(|condition| condition.holds(&seen))
            && self.child.as_ref().is_none_or(|condition| child_holds(call, seen, condition))
            && self.custom.as_ref().is_none_or(|condition| custom_holds(call, seen, condition))
    }

    /// The records that can match at all, in id order, from the bounds that every match must keep.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds that saturate still bound")]
    fn candidates<'a>(&self, tenant: &'a Tenant, entity: Entity, owner: Option<u32>, after: u32) -> Candidates<'a> {
        let shelf = tenant.shelf(entity);
        let mut least = after.saturating_add(1);
        let (mut since, mut ids) = (None::<i64>, owner.map(|owner| shelf.of(owner).collect::<Vec<_>>()));
        let mut narrow = |found: Vec<u32>| {
            ids = Some(
                ids.take()
                    .map_or_else(|| found.clone(), |all| all.into_iter().filter(|id| found.contains(id)).collect()),
            );
        };
        for (path, op, values) in self.own.iter().flat_map(Condition::conjuncts) {
            match (path, op, values.first()) {
                (Path::Id, Op::Equal | Op::In, _) => {
                    let listed = values.iter().filter_map(|v| match v {
                        Operand::Number(n) => Some(*n as u32),
                        Operand::Text(t) => t.parse().ok(),
                        _ => None,
                    });
                    narrow(listed.collect());
                }
                (Path::Id, Op::Greater | Op::GreaterEqual, Some(Operand::Number(n))) => least = least.max(*n as u32),
                (Path::Field(id), Op::Equal, Some(Operand::Text(text))) if entity.key() == Some(*id) => {
                    narrow(shelf.by_key(text).collect());
                }
                (Path::Member(id, _, super::paths::Member::Id), Op::Equal, Some(Operand::Number(n)))
                    if entity.owner().is_some_and(|(field, _)| field == *id) =>
                {
                    narrow(shelf.of(*n as u32).collect());
                }
                (Path::Updated, Op::Greater | Op::GreaterEqual, Some(Operand::Time(t))) => since = since.max(Some(*t)),
                _ => {}
            }
        }
        let ids = ids.or_else(|| since.map(|since| shelf.changed_since(since).collect()));
        match ids {
            Some(mut ids) => {
                ids.sort_unstable();
                ids.dedup();
                Box::new(ids.into_iter().filter(move |id| *id >= least).filter_map(|id| shelf.get(id)))
            }
            None => Box::new(shelf.after(least - 1)),
        }
    }
}

/// What conditions on children can name. Only the lists of contacts are known to be searched.
const CONTACT_LISTS: [&str; 10] = [
    "types/id",
    "types/name",
    "communicationItems/id",
    "communicationItems/type/id",
    "communicationItems/type/name",
    "communicationItems/value",
    "communicationItems/extension",
    "communicationItems/defaultFlag",
    "communicationItems/domain",
    "communicationItems/communicationType",
];
/// What conditions on user-defined fields can name.
const CUSTOM_VALUE: [&str; 6] = ["id", "caption", "type", "entryMethod", "numberOfDecimals", "value"];

/// Conditions beside those on the record's own fields: where there are any, they know these names and no `in`.
fn beside(call: &Call<'_>, parameter: &str, text: &str, known: &[&str]) -> Result<Option<Condition>, Failure> {
    let Some(condition) = parsed(call, text)? else { return Ok(None) };
    if known.is_empty() {
        return Err(find_condition(format!("{parameter} is not supported here.")));
    }
    let mut find = |name: &str| known.iter().any(|one| one.eq_ignore_ascii_case(name)).then(|| name.to_owned());
    let condition = condition.resolve(&mut find).map_err(unrecognized)?;
    if condition.tests().any(|op| op == Op::In) {
        return Err(find_condition("in is not supported here.".to_owned()));
    }
    Ok(Some(condition))
}

type Candidates<'a> = Box<dyn Iterator<Item = &'a Record> + 'a>;

/// Every item of a contact's lists on its own, for conditions on children.
fn child_holds(call: &Call<'_>, seen: Seen<'_>, condition: &Condition) -> bool {
    let name = |id: u32| seen.tenant.tables.name(Table::ContactType, id);
    let types = seen.record.types.iter().map(|(_, id)| json!({"types": {"id": id, "name": name(*id)}}));
    let items = seen.record.items.iter().map(|item| json!({"communicationItems": call.eyes().item(item)}));
    types.chain(items).any(|row| condition.holds(&JsonRow(&row)))
}

fn custom_holds(call: &Call<'_>, seen: Seen<'_>, condition: &Condition) -> bool {
    let values = call.eyes().custom(seen.entity, seen.record);
    values.as_array().into_iter().flatten().any(|item| condition.holds(&JsonRow(item)))
}

fn unrecognized(name: String) -> Failure {
    find_condition(format!("{name} is not a recognized name."))
}

const fn find_condition(message: String) -> Failure {
    Failure::Plain { code: "ApiFindCondition", message }
}

fn parsed(call: &Call<'_>, text: &str) -> Result<Option<Condition>, Failure> {
    let misread = call.switches().offset_misread;
    let text = Some(text.trim()).filter(|t| !t.is_empty());
    text.map(|t| conditions::parse(t, misread).map_err(find_condition)).transpose()
}

/// The records of a kind that match, that belong to `owner` where one is given, and that the role shows.
fn matching<'a>(
    call: &'a Call<'_>,
    (entity, owner): (Entity, Option<u32>),
    asked: &'a Asked,
    after: u32,
) -> impl Iterator<Item = &'a Record> {
    let (tenant, eyes) = (call.tenant(), call.eyes());
    let all = asked.candidates(tenant, entity, owner, after);
    all.filter(move |record| {
        eyes.may_see(entity, record)
            && visible(tenant, entity, record)
            && asked.holds(call, Seen { tenant, entity, record })
    })
}

/// Companies that a merge left without a trace are in no list.
fn visible(tenant: &Tenant, entity: Entity, record: &Record) -> bool {
    entity != Entity::Company || !tenant.merged_away.contains(&record.id)
}

pub(crate) fn count(call: &Call<'_>, entity: Entity, owner: Option<u32>) -> Result<Reply, Failure> {
    let asked = Asked::of(call, entity, &Question::of(call))?;
    let count = matching(call, (entity, owner), &asked, 0).count();
    Ok(Reply::json(200, &json!({ "count": count })))
}

pub(crate) fn records(
    call: &Call<'_>,
    entity: Entity,
    owner: Option<u32>,
    question: &Question,
) -> Result<Reply, Failure> {
    let asked = Asked::of(call, entity, question)?;
    if asked.own.as_ref().is_some_and(|own| times_out(call, entity, own)) {
        return Err(Failure::TimedOut);
    }
    let size = page_size(call)?;
    if is_forward_only(call) {
        return forward(call, (entity, owner), &asked, question, size);
    }
    let tenant = call.tenant();
    let mut rows: Vec<&Record> = matching(call, (entity, owner), &asked, 0).collect();
    let order = order(&question.order)?;
    let order = order.into_iter().map(|(name, down)| match Path::find(tenant, entity, &name) {
        Some(path) => Ok((path, down)),
        None => Err(unrecognized(name)),
    });
    let order = order.collect::<Result<Vec<_>, _>>()?;
    if !order.iter().all(|(path, down)| *path == Path::Id && !down) {
        let seen = |record| Seen { tenant, entity, record };
        rows.sort_by(|a, b| compare(&order, &seen(a), &seen(b)));
    }
    let page = Page::asked(call, size)?;
    let shown: Vec<&Record> = rows.iter().skip(page.skip()).take(size).copied().collect();
    unspoiled(call, entity, &shown)?;
    let shown = shown.into_iter().map(|record| partial(call, call.eyes().show(entity, record))).collect();
    Ok(page.link(call, rows.len(), Reply::json(200, &Value::Array(shown))))
}

fn forward(
    call: &Call<'_>,
    kind: (Entity, Option<u32>),
    asked: &Asked,
    question: &Question,
    size: usize,
) -> Result<Reply, Failure> {
    if !question.order.trim().is_empty() {
        return Err(find_condition("orderBy is not supported with forward-only pagination.".to_owned()));
    }
    let after = number(call, "pageId")?.unwrap_or(0);
    let after = u32::try_from(after).unwrap_or(u32::MAX);
    let page: Vec<&Record> = matching(call, kind, asked, after).take(size).collect();
    unspoiled(call, kind.0, &page)?;
    let last = page.last().map_or(after, |record| record.id);
    let rows = page.into_iter().map(|record| partial(call, call.eyes().show(kind.0, record))).collect();
    Ok(Reply::json(200, &Value::Array(rows)).with("link", link(call, "pageId", u64::from(last), "next")))
}

/// `closedFlag` alone over all tickets is more than a hosted tenant finishes.
fn times_out(call: &Call<'_>, entity: Entity, own: &Condition<Path>) -> bool {
    let closed = Entity::Ticket.field("closedFlag").map(|(id, _)| Path::Field(id));
    entity == Entity::Ticket
        && call.switches().closed_flag_times_out
        && matches!(own, Condition::Test { field, .. } if Some(field) == closed.as_ref())
}

/// One bad stored value spoils the whole page that it is on.
pub(crate) fn unspoiled(call: &Call<'_>, entity: Entity, page: &[&Record]) -> Result<(), Failure> {
    let bad = call.switches().poisoned.get(entity.about().path);
    if bad.is_some_and(|bad| page.iter().any(|record| bad.contains(&record.id))) {
        return Err(Failure::Conversion("String was not recognized as a valid Boolean.".to_owned()));
    }
    Ok(())
}

type Order<F> = [(F, bool)];

fn order(text: &str) -> Result<Vec<(String, bool)>, Failure> {
    let keys = text.split(',').map(str::trim).filter(|k| !k.is_empty());
    keys.map(|key| {
        let mut words = key.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        match words.next().map(str::to_ascii_lowercase).as_deref() {
            None | Some("asc") => Ok((name, false)),
            Some("desc") => Ok((name, true)),
            Some(_) => Err(find_condition(format!("{key} is not a valid order."))),
        }
    })
    .collect()
}

fn compare<F>(order: &Order<F>, a: &dyn Row<F>, b: &dyn Row<F>) -> Ordering {
    for (field, descending) in order {
        let ordering = match (a.operand(field), b.operand(field)) {
            (Operand::Null, Operand::Null) => Ordering::Equal,
            (Operand::Null, _) => Ordering::Less,
            (_, Operand::Null) => Ordering::Greater,
            (a, b) => conditions::compare(&a, &b).unwrap_or(Ordering::Equal),
        };
        if ordering != Ordering::Equal {
            return if *descending { ordering.reverse() } else { ordering };
        }
    }
    Ordering::Equal
}

/// A reference table: its list, its count, or one row.
pub(crate) fn table(call: &Call<'_>, table: Table, rest: &[&str]) -> Result<Reply, Failure> {
    let gone = |row: &Value| {
        table == Table::Member && id_of(row).is_some_and(|id| call.switches().deleted_members.contains(&id))
    };
    let rows = call.tenant().tables.rows(table).filter(|row| !gone(row)).cloned();
    let open = &call.switches().boards_open_to_mail;
    let shown = rows.map(|mut row| {
        let by_mail = table == Table::Board && id_of(&row).is_some_and(|id| open.contains(&id));
        if let (true, Some(map)) = (by_mail, row.as_object_mut()) {
            for flag in ["emailConnectorNewTicketNoMatchFlag", "emailConnectorAllowReopenClosedFlag"] {
                map.insert(flag.to_owned(), json!(true));
            }
        }
        row
    });
    rows_of(call, shown.collect(), table.title(), rest)
}

pub(crate) fn definitions(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let required = &call.switches().required_custom_fields;
    let rows = call.tenant().tables.custom.iter().map(|(id, row)| {
        let mut row = row.clone();
        if let (true, Some(map)) = (required.contains(id), row.as_object_mut()) {
            map.insert("requiredFlag".to_owned(), json!(true));
        }
        row
    });
    rows_of(call, rows.collect(), "User Defined Field", rest)
}

/// Rows of plain JSON: their list, their count, or one of them. They are read and never written.
pub(crate) fn rows_of(call: &Call<'_>, rows: Vec<Value>, what: &'static str, rest: &[&str]) -> Result<Reply, Failure> {
    if call.request.method != Method::GET {
        return Err(Failure::NoVerb);
    }
    let known = |name: &str| {
        rows.is_empty() || rows.iter().any(|row| inside(row, name).is_some()) || name.eq_ignore_ascii_case("identifier")
    };
    let question = Question::of(call);
    beside(call, "childConditions", &question.child, &[])?;
    beside(call, "customFieldConditions", &question.custom, &[])?;
    let mut find = |name: &str| known(name).then(|| name.to_owned());
    let condition =
        parsed(call, &question.conditions)?.map(|c| c.resolve(&mut find)).transpose().map_err(unrecognized)?;
    let mut kept: Vec<Value> =
        rows.iter().filter(|row| condition.as_ref().is_none_or(|c| c.holds(&JsonRow(row)))).cloned().collect();
    match rest {
        [] => {
            let order = order(&question.order)?;
            kept.sort_by(|a, b| compare(&order, &JsonRow(a), &JsonRow(b)));
            page_of_rows(call, kept)
        }
        ["count"] => Ok(Reply::json(200, &json!({"count": kept.len()}))),
        [id] => {
            let found = id.parse().ok().and_then(|id| kept.into_iter().find(|r| id_of(r) == Some(id)));
            found
                .map(|row| Reply::json(200, &partial(call, row)))
                .ok_or_else(|| Failure::NotFound { what, id: (*id).to_owned() })
        }
        _ => Err(Failure::NoRoute),
    }
}

fn page_of_rows(call: &Call<'_>, kept: Vec<Value>) -> Result<Reply, Failure> {
    let size = page_size(call)?;
    if is_forward_only(call) {
        let after = number(call, "pageId")?.unwrap_or(0);
        let id = |row: &Value| row.get("id").and_then(Value::as_u64).unwrap_or(0);
        let page: Vec<Value> = kept.into_iter().filter(|r| id(r) > after).take(size).collect();
        let last = page.last().map_or(after, id);
        let shown = page.into_iter().map(|row| partial(call, row)).collect();
        return Ok(Reply::json(200, &Value::Array(shown)).with("link", link(call, "pageId", last, "next")));
    }
    let page = Page::asked(call, size)?;
    let total = kept.len();
    let shown = kept.into_iter().skip(page.skip()).take(size).map(|row| partial(call, row)).collect();
    Ok(page.link(call, total, Reply::json(200, &Value::Array(shown))))
}

/// What uses a record, as `/usages` (counts) and `/usages/list` (one by one) tell it.
pub(crate) fn usages(call: &Call<'_>, entity: Entity, id: u32, each: bool) -> Vec<Value> {
    let tenant = call.tenant();
    let row = |kind: Entity, count: usize, record: Option<&Record>| {
        let shown = record.map(|record| tenant.name_of(kind, record)).unwrap_or_default();
        let mut map = Map::from_iter([
            ("type".to_owned(), json!(kind.title())),
            ("count".to_owned(), json!(count)),
            ("typeKey".to_owned(), json!(kind.about().model)),
        ]);
        if let Some(record) = record {
            map.insert("id".to_owned(), json!(record.id));
            map.insert("description".to_owned(), json!(shown));
            map.insert("hyperlink".to_owned(), json!(format!("{}/{}/{}", call.base, kind.about().path, record.id)));
        }
        Value::Object(map)
    };
    let mut rows = Vec::new();
    for (kind, users) in rules::uses(tenant, entity, id) {
        if each {
            rows.extend(users.iter().map(|user| row(kind, 1, tenant.find(kind, *user))));
        } else {
            rows.push(row(kind, users.len(), None));
        }
    }
    rows
}
