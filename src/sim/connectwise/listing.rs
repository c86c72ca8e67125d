//! Lists: conditions, order, pages with their `Link` header, partial answers; for companies and for small tables.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::conditions::{self, Condition, Op, Operand, Row};
use super::fields::{self, IDENTIFIER, Kind, NAME, Stored, Table};
use super::tables::Tables;
use super::tenant::{Company, Tenant};
use super::{Call, Failure};
use crate::sim::wire::{Reply, encode};

const DEFAULT_PAGE: usize = 25;
const MOST_PER_PAGE: usize = 1000;

/// A company as conditions see it.
struct CompanyRow<'a> {
    tenant: &'a Tenant,
    company: &'a Company,
}

#[expect(clippy::cast_precision_loss, reason = "ids stay far below 2^53")]
impl Row for CompanyRow<'_> {
    fn operand(&self, name: &str) -> Option<Operand> {
        let company = self.company;
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "id" => return Some(Operand::Number(company.id as f64)),
            "lastupdated" | "_info/lastupdated" => return Some(Operand::Time(company.updated)),
            "updatedby" | "_info/updatedby" => return Some(Operand::Text(company.updated_by.to_string())),
            "dateentered" | "_info/dateentered" => return Some(Operand::Time(company.entered)),
            "enteredby" | "_info/enteredby" => return Some(Operand::Text(company.entered_by.to_string())),
            _ => {}
        }
        let (head, member) = lower.split_once('/').map_or((lower.as_str(), None), |(h, m)| (h, Some(m)));
        let (id, field) = fields::find_any_case(head)?;
        let value = company.get(id);
        match (field.kind, member) {
            (Kind::Ref(table), Some(member)) => {
                let Some(Stored::Ref(row)) = value else { return Some(Operand::Null) };
                reference_member(self.tenant, table, *row, member)
            }
            (Kind::Ref(_), None) => Some(if value.is_none() { Operand::Null } else { Operand::Flag(true) }),
            (Kind::Opaque, member) => {
                let Some(Stored::Opaque(json)) = value else { return Some(Operand::Null) };
                Some(member.map_or(Operand::Flag(true), |m| json_operand(json.get(m))))
            }
            (_, Some(_)) => None,
            (_, None) => Some(value.map_or(Operand::Null, stored_operand)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "whole numbers of companies stay far below 2^53")]
fn stored_operand(value: &Stored) -> Operand {
    match value {
        Stored::Text(text) => Operand::Text(text.to_string()),
        Stored::Whole(n) => Operand::Number(*n as f64),
        Stored::Decimal(n) => Operand::Number(*n),
        Stored::Flag(flag) => Operand::Flag(*flag),
        Stored::Time(seconds) => Operand::Time(*seconds),
        Stored::Ref(id) => Operand::Number(f64::from(*id)),
        Stored::Opaque(json) => json_operand(Some(json)),
    }
}

fn reference_member(tenant: &Tenant, table: Table, id: u32, member: &str) -> Option<Operand> {
    if member == "id" {
        return Some(Operand::Number(f64::from(id)));
    }
    if table != Table::Company {
        let row = tenant.tables.row(table, id);
        return matches!(member, "name" | "identifier").then(|| json_operand(row.and_then(|r| r.get(member))));
    }
    let company = tenant.companies.get(&u64::from(id));
    let text = |field| company.map_or(Operand::Null, |c| Operand::Text(c.text(field).to_owned()));
    match member {
        "name" => Some(text(NAME)),
        "identifier" => Some(text(IDENTIFIER)),
        _ => None,
    }
}

fn json_operand(value: Option<&Value>) -> Operand {
    match value {
        Some(Value::String(text)) => Operand::Text(text.clone()),
        Some(Value::Number(n)) => n.as_f64().map_or(Operand::Null, Operand::Number),
        Some(Value::Bool(flag)) => Operand::Flag(*flag),
        _ => Operand::Null,
    }
}

/// A row of a table, or any other JSON, as conditions see it; a name that no row has is not recognised.
struct JsonRow<'a>(&'a Value);

impl Row for JsonRow<'_> {
    fn operand(&self, name: &str) -> Option<Operand> {
        let mut at = self.0;
        for part in name.split('/') {
            let map = at.as_object()?;
            let found = map.iter().find(|(key, _)| key.eq_ignore_ascii_case(part));
            match found {
                Some((_, value)) => at = value,
                None if name.eq_ignore_ascii_case("identifier") => return Some(Operand::Null),
                None => return None,
            }
        }
        Some(json_operand(Some(at)))
    }
}

/// Custom field values and types of one company, for their own conditions.
fn custom_holds(tables: &Tables, company: &Company, condition: &Condition) -> Result<bool, Failure> {
    let values = tables.custom_values(&company.custom);
    for item in values.as_array().into_iter().flatten() {
        if condition.holds(&JsonRow(item)).map_err(unrecognized)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn child_holds(tables: &Tables, company: &Company, condition: &Condition) -> Result<bool, Failure> {
    for (_, id) in &company.types {
        let row = json!({"types": {"id": id, "name": tables.name(Table::Type, *id)}});
        if condition.holds(&JsonRow(&row)).map_err(unrecognized)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unrecognized(name: String) -> Failure {
    find_condition(format!("{name} is not a recognized name."))
}

const fn find_condition(message: String) -> Failure {
    Failure::Plain { code: "ApiFindCondition", message }
}

fn parsed(call: &Call<'_>, parameter: &str) -> Result<Option<Condition>, Failure> {
    let text = call.request.param(parameter).map(str::trim).filter(|t| !t.is_empty());
    text.map(|t| conditions::parse(t).map_err(find_condition)).transpose()
}

/// The three kinds of conditions of one request.
struct Asked {
    own: Option<Condition>,
    child: Option<Condition>,
    custom: Option<Condition>,
}

impl Asked {
    fn of(call: &Call<'_>) -> Result<Self, Failure> {
        let asked = Self {
            own: parsed(call, "conditions")?,
            child: parsed(call, "childConditions")?,
            custom: parsed(call, "customFieldConditions")?,
        };
        // Names are checked before any row is looked at.
        let blank = Company {
            id: 0,
            ..call.tenant().companies.values().next().cloned().unwrap_or_else(|| Tenant::new().blank(0, ""))
        };
        let row = CompanyRow { tenant: call.tenant(), company: &blank };
        for name in asked.own.iter().flat_map(Condition::fields) {
            if row.operand(name).is_none() {
                return Err(unrecognized(name.to_owned()));
            }
        }
        Ok(asked)
    }

    fn holds(&self, tenant: &Tenant, company: &Company) -> Result<bool, Failure> {
        if let Some(condition) = &self.own
            && !condition.holds(&CompanyRow { tenant, company }).map_err(unrecognized)?
        {
            return Ok(false);
        }
        if let Some(condition) = &self.child
            && !child_holds(&tenant.tables, company, condition)?
        {
            return Ok(false);
        }
        self.custom.as_ref().map_or(Ok(true), |condition| custom_holds(&tenant.tables, company, condition))
    }

    /// The companies that can match at all, in id order, from the bounds that every match must keep.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds that saturate still bound")]
    fn candidates<'a>(&self, tenant: &'a Tenant, after: u64) -> Box<dyn Iterator<Item = &'a Company> + 'a> {
        let mut least = after.saturating_add(1);
        let (mut since, mut ids) = (None::<i64>, None::<Vec<u64>>);
        for (field, op, values) in self.own.iter().flat_map(Condition::conjuncts) {
            let first = values.first();
            match (field.to_ascii_lowercase().as_str(), op, first) {
                ("id", Op::Equal | Op::In, _) => {
                    let listed = values.iter().filter_map(|v| match v {
                        Operand::Number(n) => Some(*n as u64),
                        Operand::Text(t) => t.parse().ok(),
                        _ => None,
                    });
                    ids = Some(listed.collect());
                }
                ("id", Op::Greater | Op::GreaterEqual, Some(Operand::Number(n))) => least = least.max(*n as u64),
                ("identifier", Op::Equal, Some(Operand::Text(text))) => {
                    ids = Some(tenant.by_identifier(text).into_iter().collect());
                }
                ("lastupdated" | "_info/lastupdated", Op::Greater | Op::GreaterEqual, Some(Operand::Time(t))) => {
                    since = since.max(Some(*t));
                }
                _ => {}
            }
        }
        let ids = ids.or_else(|| since.map(|s| tenant.by_updated.range((s, 0)..).map(|(_, id)| *id).collect()));
        match ids {
            Some(mut ids) => {
                ids.sort_unstable();
                ids.dedup();
                let ids = ids.into_iter().filter(move |id| *id >= least);
                Box::new(ids.filter_map(|id| tenant.companies.get(&id)))
            }
            None => Box::new(tenant.companies.range(least..).map(|(_, company)| company)),
        }
    }
}

pub(crate) fn count(call: &Call<'_>) -> Result<Reply, Failure> {
    let (asked, tenant) = (Asked::of(call)?, call.tenant());
    let mut count = 0;
    for company in asked.candidates(tenant, 0) {
        count += usize::from(asked.holds(tenant, company)?);
    }
    Ok(Reply::json(200, &json!({ "count": count })))
}

pub(crate) fn companies(call: &Call<'_>) -> Result<Reply, Failure> {
    let (asked, tenant) = (Asked::of(call)?, call.tenant());
    let size = page_size(call)?;
    let show = |company: &Company| partial(call, tenant.show(company, &call.base));
    if is_forward_only(call) {
        let after = number(call, "pageId")?.unwrap_or(0);
        if call.request.param("orderBy").is_some_and(|o| !o.is_empty()) {
            return Err(find_condition("orderBy is not supported with forward-only pagination.".to_owned()));
        }
        let mut page = Vec::new();
        for company in asked.candidates(tenant, after) {
            if asked.holds(tenant, company)? {
                page.push(company);
            }
            if page.len() == size {
                break;
            }
        }
        let last = page.last().map_or(after, |c| c.id);
        let rows = page.into_iter().map(show).collect();
        return Ok(Reply::json(200, &Value::Array(rows)).with("link", link(call, "pageId", last, "next")));
    }
    let mut rows = Vec::new();
    for company in asked.candidates(tenant, 0) {
        if asked.holds(tenant, company)? {
            rows.push(company);
        }
    }
    let order = order(call)?;
    if order.iter().any(|(name, _)| tenant_row(tenant, rows.first()).is_some_and(|r| r.operand(name).is_none())) {
        return Err(find_condition("orderBy names a field that is not recognized.".to_owned()));
    }
    if !(order.is_empty() || order.iter().all(|(n, down)| n.eq_ignore_ascii_case("id") && !down)) {
        rows.sort_by(|a, b| compare(&order, &CompanyRow { tenant, company: a }, &CompanyRow { tenant, company: b }));
    }
    let page = Page::asked(call, size)?;
    let shown = rows.iter().skip(page.skip()).take(size).map(|c| show(c)).collect();
    Ok(page.link(call, rows.len(), Reply::json(200, &Value::Array(shown))))
}

fn tenant_row<'a>(tenant: &'a Tenant, company: Option<&&'a Company>) -> Option<CompanyRow<'a>> {
    company.map(|company| CompanyRow { tenant, company })
}

type Order = Vec<(String, bool)>;

fn order(call: &Call<'_>) -> Result<Order, Failure> {
    let text = call.request.param("orderBy").unwrap_or_default();
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

fn compare(order: &Order, a: &dyn Row, b: &dyn Row) -> Ordering {
    for (name, descending) in order {
        let ordering = match (a.operand(name), b.operand(name)) {
            (Some(Operand::Number(a)), Some(Operand::Number(b))) => a.total_cmp(&b),
            (Some(Operand::Time(a)), Some(Operand::Time(b))) => a.cmp(&b),
            (Some(Operand::Flag(a)), Some(Operand::Flag(b))) => a.cmp(&b),
            (Some(Operand::Text(a)), Some(Operand::Text(b))) => a.to_lowercase().cmp(&b.to_lowercase()),
            (Some(Operand::Null), Some(Operand::Null)) => Ordering::Equal,
            (Some(Operand::Null), _) => Ordering::Less,
            (_, Some(Operand::Null)) => Ordering::Greater,
            _ => Ordering::Equal,
        };
        if ordering != Ordering::Equal {
            return if *descending { ordering.reverse() } else { ordering };
        }
    }
    Ordering::Equal
}

fn is_forward_only(call: &Call<'_>) -> bool {
    call.request.header("pagination-type").is_some_and(|v| v.eq_ignore_ascii_case("forward-only"))
}

fn number(call: &Call<'_>, parameter: &str) -> Result<Option<u64>, Failure> {
    let text = call.request.param(parameter).filter(|t| !t.is_empty());
    let bad = |t| find_condition(format!("{parameter} must be a whole number, but was {t}."));
    text.map(|t: &str| t.parse().map_err(|_| bad(t))).transpose()
}

fn page_size(call: &Call<'_>) -> Result<usize, Failure> {
    let asked = number(call, "pageSize")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(DEFAULT_PAGE);
    if asked == 0 || asked > MOST_PER_PAGE {
        return Err(find_condition(format!("pageSize must be between 1 and {MOST_PER_PAGE}.")));
    }
    Ok(call.world.behaviour.page_cap.map_or(asked, |cap| asked.min(cap.max(1))))
}

struct Page {
    number: usize,
    size: usize,
}

impl Page {
    fn asked(call: &Call<'_>, size: usize) -> Result<Self, Failure> {
        let number = number(call, "page")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).max(1);
        Ok(Self { number, size })
    }

    const fn skip(&self) -> usize {
        (self.number - 1).saturating_mul(self.size)
    }

    /// Adds the `Link` header, unless everything fits one page.
    fn link(&self, call: &Call<'_>, total: usize, reply: Reply) -> Reply {
        let last = total.div_ceil(self.size).max(1);
        if last == 1 {
            return reply;
        }
        let mut links = Vec::new();
        let mut add = |page: usize, rel| links.push(link(call, "page", page as u64, rel));
        if self.number < last {
            add(self.number + 1, "next");
            add(last, "last");
        }
        if self.number > 1 {
            add(1, "first");
            add(self.number - 1, "prev");
        }
        reply.with("link", links.join(", "))
    }
}

/// `<url>; rel="next"`: this request with one parameter changed.
fn link(call: &Call<'_>, parameter: &str, value: u64, rel: &str) -> String {
    let request = call.request;
    let kept = request.query.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(parameter));
    let mut query: Vec<String> = kept.map(|(name, v)| format!("{}={}", encode(name), encode(v))).collect();
    query.push(format!("{parameter}={value}"));
    format!("<http://{}{}?{}>; rel=\"{rel}\"", request.host(), request.path, query.join("&"))
}

/// The row with only what `fields` asks for, such as `id,status/id,_info/lastUpdated`.
pub(crate) fn partial(call: &Call<'_>, whole: Value) -> Value {
    let asked = call.request.list_param("fields");
    if asked.is_empty() {
        return whole;
    }
    let mut result = Map::new();
    for path in &asked {
        let mut parts = path.splitn(2, '/');
        let (head, member) = (parts.next().unwrap_or_default(), parts.next());
        let Some(value) = whole.get(head) else { continue };
        match (member, value) {
            (None, _) => drop(result.insert(head.to_owned(), value.clone())),
            (Some(member), Value::Object(inner)) => {
                let slot = result.entry(head.to_owned()).or_insert_with(|| json!({}));
                if let (Some(slot), Some(found)) = (slot.as_object_mut(), inner.get(member)) {
                    slot.insert(member.to_owned(), found.clone());
                }
            }
            (Some(_), _) => {}
        }
    }
    Value::Object(result)
}

/// A reference table: its list, its count, or one row.
pub(crate) fn table(call: &Call<'_>, table: Table, rest: &[&str]) -> Result<Reply, Failure> {
    json_rows(call, call.tenant().tables.rows(table).cloned().collect(), table.title(), rest)
}

pub(crate) fn definitions(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    json_rows(call, call.tenant().tables.custom.values().cloned().collect(), "User Defined Field", rest)
}

pub(crate) fn json_rows(
    call: &Call<'_>,
    rows: Vec<Value>,
    what: &'static str,
    rest: &[&str],
) -> Result<Reply, Failure> {
    let condition = parsed(call, "conditions")?;
    let mut kept = Vec::new();
    for row in rows {
        if condition.as_ref().map_or(Ok(true), |c| c.holds(&JsonRow(&row))).map_err(unrecognized)? {
            kept.push(row);
        }
    }
    match rest {
        [] => {
            let order = order(call)?;
            kept.sort_by(|a, b| compare(&order, &JsonRow(a), &JsonRow(b)));
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
        ["count"] => Ok(Reply::json(200, &json!({"count": kept.len()}))),
        [id] => {
            let found = kept.into_iter().find(|r| r.get("id").is_some_and(|v| v.to_string() == *id));
            found
                .map(|row| Reply::json(200, &partial(call, row)))
                .ok_or_else(|| Failure::NotFound { what, id: (*id).to_owned() })
        }
        _ => Err(Failure::NoRoute),
    }
}
