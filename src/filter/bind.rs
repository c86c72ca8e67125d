//! From a tree to a filter that can judge records: names become fields, labels become options, kinds are checked.
//! Knows the schema, no records.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ask::{Ask, Check, Operand};
use super::ast::{Compare, Condition, Expr, Literal, Span, Spanned, Test};
use super::error::FilterError;
use super::eval::{Filter, Leaf, Node, Part, Unfit};
use super::fields::{Askable, Found, of_company};
use super::nearest::did_you_mean;
use crate::mapping::compat::is_text;
use crate::mapping::normalise::one_line;
use crate::model::{FieldDef, FieldKind, FieldName, Schema};

/// Fits a filter to the fields and options of one object.
///
/// A field is found by its name, else by its name without regard to case, else by its label. A value of a choice is
/// found by its internal value, its label, or a person's e-mail address; several options of the same label all count.
///
/// # Errors
/// Everything that does not fit, in the order of the text.
pub fn bind<'a>(expr: &Expr, fields: impl Into<Askable<'a>>) -> Result<Filter, Vec<FilterError>> {
    let (filter, errors) = fit(expr, fields.into());
    if errors.is_empty() { Ok(filter) } else { Err(errors) }
}

/// The same for a filter that fitted once: fields and options come and go. What does not fit any more has no answer, and
/// neither has the filter where that decides.
#[must_use]
pub fn bind_as_far_as_it_fits<'a>(expr: &Expr, fields: impl Into<Askable<'a>>) -> Filter {
    fit(expr, fields.into()).0
}

fn fit(expr: &Expr, fields: Askable<'_>) -> (Filter, Vec<FilterError>) {
    let mut binder = Binder { fields, options: BTreeMap::new(), errors: Vec::new() };
    let parts = match expr {
        Expr::Everything => Vec::new(),
        Expr::All(operands) => operands.iter().map(|operand| binder.part(&operand.node, operand.span)).collect(),
        other => vec![binder.part(other, whole(other))],
    };
    (Filter::new(parts), binder.errors)
}

/// Where a tree stands whose root carries no place of its own.
fn whole(expr: &Expr) -> Span {
    match expr {
        Expr::Everything => Span::default(),
        Expr::All(operands) | Expr::Any(operands) => match (operands.first(), operands.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => Span::default(),
        },
        Expr::Not(operand) => operand.span,
        Expr::Test(test) => match &test.condition {
            Condition::Is(_, value) | Condition::Text(_, value) => test.field.span.to(value.span),
            Condition::In { values, .. } => values.last().map_or(test.field.span, |last| test.field.span.to(last.span)),
            Condition::IsTrue | Condition::Empty { .. } => test.field.span,
        },
    }
}

struct Binder<'a> {
    fields: Askable<'a>,
    /// Labels of the fields met so far: a long filter asks for one field many times.
    options: BTreeMap<FieldName, Arc<BTreeMap<String, String>>>,
    errors: Vec<FilterError>,
}

impl Binder<'_> {
    fn part(&mut self, expr: &Expr, span: Span) -> Part {
        Part { text: expr.to_string(), span: span.range(), node: self.node(expr) }
    }

    fn node(&mut self, expr: &Expr) -> Node {
        match expr {
            Expr::Everything => Node::All(Vec::new()),
            Expr::All(operands) => Node::All(self.nodes(operands)),
            Expr::Any(operands) => Node::Any(self.nodes(operands)),
            Expr::Not(operand) => Node::Not(Box::new(self.node(&operand.node))),
            Expr::Test(test) => match self.ask(test) {
                Ok(ask) => {
                    let (text, span) = (test.to_string(), whole(expr).range());
                    Node::Leaf(Box::new(Leaf { text, span, ask, days: Vec::new() }))
                }
                Err(errors) => {
                    let field = self.fields.find(&test.field.node).map(|found| found.name());
                    let field = field.unwrap_or_else(|| FieldName::new(&test.field.node));
                    let whys = errors.iter().map(|error| error.message.clone()).collect();
                    self.errors.extend(errors);
                    Node::Unfit(Box::new(Unfit { text: test.to_string(), span: whole(expr).range(), field, whys }))
                }
            },
        }
    }

    fn nodes(&mut self, operands: &[Spanned<Expr>]) -> Vec<Node> {
        operands.iter().map(|operand| self.node(&operand.node)).collect()
    }

    fn ask(&mut self, test: &Test) -> Result<Ask, Vec<FilterError>> {
        let found = find_field(&self.fields, &test.field).map_err(|error| vec![error])?;
        let (field, name) = (found.def, found.name());
        let check = check(field, test)?;
        let labels = || field.options.iter().map(|option| (option.key.clone(), option.label.clone())).collect();
        let options = self.options.entry(name.clone()).or_insert_with(|| Arc::new(labels()));
        let is_dated = match &test.condition {
            Condition::Is(_, value) => is_relative(value),
            Condition::In { values, .. } => values.iter().any(is_relative),
            _ => false,
        };
        let company = found.is_of_company.then(|| field.name.clone());
        Ok(Ask { field: name, company, kind: field.kind, options: Arc::clone(options), check, is_dated })
    }
}

const fn is_relative(value: &Spanned<Literal>) -> bool {
    matches!(value.node, Literal::Relative(_))
}

pub(super) fn resolve<'a>(schema: &'a Schema, name: &str) -> Option<&'a FieldDef> {
    schema
        .field(name)
        .or_else(|| only(schema.fields.iter().filter(|field| field.name.as_str().eq_ignore_ascii_case(name))))
        .or_else(|| only(schema.fields.iter().filter(|field| field.label.eq_ignore_ascii_case(name))))
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let first = found.next()?;
    if found.next().is_some() { None } else { Some(first) }
}

fn find_field<'a>(fields: &Askable<'a>, name: &Spanned<String>) -> Result<Found<'a>, FilterError> {
    if let Some(found) = fields.find(&name.node) {
        return Ok(found);
    }
    let in_company = of_company(&name.node).filter(|_| resolve(fields.own, &name.node).is_none());
    let (schema, wanted) = match (in_company, fields.company) {
        (Some(wanted), Ok(company)) => (company, wanted),
        (Some(_), Err(why)) => {
            return Err(FilterError::of_company(name.span, format!("`{}`: {why}", name.node)));
        }
        (None, _) => (fields.own, name.node.as_str()),
    };
    let known = schema.fields.iter().flat_map(|field| [field.name.as_str(), field.label.as_str()]);
    let hint = did_you_mean(wanted, known, "Completion lists the fields; read the schema again if it is new.");
    if in_company.is_some() {
        return Err(FilterError { hint, ..FilterError::of_company(name.span, schema.lack(wanted)) });
    }
    Err(FilterError::missing(FieldName::new(&name.node), name.span, schema.lack(&name.node), hint))
}

fn check(field: &FieldDef, test: &Test) -> Result<Check, Vec<FilterError>> {
    let span = test.field.span;
    match &test.condition {
        Condition::Empty { negated } => Ok(Check::Empty { negated: *negated }),
        Condition::IsTrue if field.kind == FieldKind::Bool => Ok(Check::Is(Compare::Eq, Operand::Bool(true))),
        Condition::IsTrue => {
            let message = format!("`{}` is a {} field: it can't stand alone.", field.name, field.kind.word());
            let hint = format!("Compare it, or write `{} is not empty`.", super::print::name(field.name.as_str()));
            Err(vec![FilterError::new(span, message, hint)])
        }
        Condition::Is(compare, value) => {
            refuse_order(field, *compare, span).map_err(|error| vec![error])?;
            operand(field, value).map(|operand| Check::Is(*compare, operand)).map_err(|error| vec![error])
        }
        Condition::In { negated, values } => {
            let mut operands = Vec::with_capacity(values.len());
            let mut errors = Vec::new();
            for value in values {
                match operand(field, value) {
                    Ok(operand) => operands.push(operand),
                    Err(error) => errors.push(error),
                }
            }
            if errors.is_empty() { Ok(Check::In { negated: *negated, operands }) } else { Err(errors) }
        }
        Condition::Text(wanted, value) => match (&value.node, is_text(field.kind) || field.kind.has_options()) {
            (Literal::Text(text), true) => Ok(Check::Text(*wanted, text.to_lowercase())),
            (_, true) => Err(vec![quote_it(field, value)]),
            (_, false) => {
                let message =
                    format!("`{}` is a {} field: `{}` needs text.", field.name, field.kind.word(), wanted.words());
                Err(vec![FilterError::new(span, message, "Compare it with = != < <= > >=.")])
            }
        },
    }
}

fn refuse_order(field: &FieldDef, compare: Compare, span: Span) -> Result<(), FilterError> {
    let ordered = matches!(field.kind, FieldKind::Number | FieldKind::Integer | FieldKind::Date | FieldKind::DateTime);
    if ordered || !compare.needs_order() {
        return Ok(());
    }
    let message =
        format!("`{}` is a {} field: `{}` needs a number or a date.", field.name, field.kind.word(), compare.symbol());
    Err(FilterError::new(span, message, "Use = or !=, or list the values with `in (…)`."))
}

fn operand(field: &FieldDef, value: &Spanned<Literal>) -> Result<Operand, FilterError> {
    match (field.kind, &value.node) {
        (kind, Literal::Text(text)) if is_text(kind) => Ok(Operand::Text(one_line(text).to_lowercase())),
        (kind, _) if is_text(kind) => Err(quote_it(field, value)),
        (FieldKind::Number | FieldKind::Integer, Literal::Number(number)) => Ok(Operand::Number(*number)),
        (FieldKind::Bool, Literal::Bool(flag)) => Ok(Operand::Bool(*flag)),
        (FieldKind::Date | FieldKind::DateTime, Literal::Date(date)) => Ok(Operand::Date(*date)),
        (FieldKind::DateTime, Literal::DateTime(time)) => Ok(Operand::DateTime(*time)),
        (FieldKind::Date | FieldKind::DateTime, Literal::Relative(relative)) => Ok(Operand::Relative(*relative)),
        (kind, Literal::Text(text)) if kind.has_options() => options(field, text, value.span),
        (kind, Literal::Number(number)) if kind.has_options() => options(field, &number.to_string(), value.span),
        (kind, literal) => {
            let message = format!(
                "`{}` is a {} field; {} does not fit it.",
                field.name,
                kind.word(),
                super::print::literal(literal)
            );
            Err(FilterError::new(value.span, message, expected(kind)))
        }
    }
}

const fn expected(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Number | FieldKind::Integer => "Write a number without quotes, like 1200.50.",
        FieldKind::Bool => "Write true or false.",
        FieldKind::Date => "Write a date without quotes, like 2026-11-23, or today - 30 days.",
        FieldKind::DateTime => {
            "Write a date or an instant without quotes, like 2026-11-23T09:00:00Z, or today - 30 days."
        }
        FieldKind::Choice | FieldKind::MultiChoice | FieldKind::Person => "Write the label of an option in quotes.",
        FieldKind::Reference(_) => "Write the id of the record in quotes.",
        FieldKind::Text
        | FieldKind::LongText
        | FieldKind::RichText
        | FieldKind::Phone
        | FieldKind::Url
        | FieldKind::Domain
        | FieldKind::Email => "Write a text in quotes.",
    }
}

fn quote_it(field: &FieldDef, value: &Spanned<Literal>) -> FilterError {
    let literal = super::print::literal(&value.node);
    let message = format!("`{}` is a {} field; {literal} is not a text.", field.name, field.kind.word());
    FilterError::new(value.span, message, "Put the value in quotes, exactly as the record has it.")
}

/// The keys that `text` names. A field whose options are unknown takes any text for a key.
fn options(field: &FieldDef, text: &str, span: Span) -> Result<Operand, FilterError> {
    if field.options.is_empty() {
        return Ok(Operand::Keys(vec![text.to_owned()]));
    }
    if field.options.iter().any(|option| option.key == text) {
        return Ok(Operand::Keys(vec![text.to_owned()]));
    }
    let wanted = text.trim().to_lowercase();
    let keys: Vec<String> = field
        .options
        .iter()
        .filter(|option| {
            [Some(&option.key), Some(&option.label), option.email.as_ref()]
                .into_iter()
                .flatten()
                .any(|known| known.trim().to_lowercase() == wanted)
        })
        .map(|option| option.key.clone())
        .collect();
    if !keys.is_empty() {
        return Ok(Operand::Keys(keys));
    }
    let known = field.options.iter().flat_map(|option| [option.label.as_str(), option.key.as_str()]);
    let message = format!("`{}` has no option \"{text}\".", field.name);
    let hint = did_you_mean(text, known, "Completion lists the options; read the schema again if it is new.");
    Err(FilterError::new(span, message, hint))
}
