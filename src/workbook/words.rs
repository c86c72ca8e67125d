//! A filter with the names that people know in place of those of the systems.

use crate::filter::{Expr, Test, parse, pretty};
use crate::model::Schema;

/// The filter, laid out, with the labels of its fields; as it is where it is none, or the labels are not known.
pub fn in_words(text: &str, schema: Option<&Schema>) -> String {
    if text.trim().is_empty() {
        return "every record".to_owned();
    }
    let text = pretty(text).unwrap_or_else(|_| text.to_owned());
    let Ok(expression) = parse(&text) else { return text };
    let mut tests = Vec::new();
    collect(&expression, &mut tests);
    tests.sort_by_key(|test| test.field.span.start);
    let (mut words, mut at) = (String::new(), 0);
    for test in tests {
        let field = test.field.span.range();
        let Some(between) = text.get(at..field.start) else { return text };
        words.push_str(between);
        let label = schema.and_then(|schema| schema.field(&test.field.node)).map(|field| field.label.as_str());
        words.push_str(label.filter(|label| !label.is_empty()).unwrap_or(&test.field.node));
        at = field.end;
    }
    words.push_str(text.get(at..).unwrap_or_default());
    words
}

fn collect<'e>(expression: &'e Expr, tests: &mut Vec<&'e Test>) {
    match expression {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| collect(&part.node, tests)),
        Expr::Not(part) => collect(&part.node, tests),
        Expr::Test(test) => tests.push(test),
        Expr::Everything => {}
    }
}
