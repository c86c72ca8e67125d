//! What decides whether a record takes part: the filters that always apply, then a person's own.

use std::ops::Range;

use jiff::civil::Date;

use crate::filter::ask::Ask;
use crate::filter::eval::{Answer, Clause, Filter, Node, Seen, Subject};
use crate::filter::standard::Standard;
use crate::model::{FieldName, Record};

/// All that a record must pass on its way to one system.
#[derive(Debug, Clone, Default)]
pub struct Criteria {
    clauses: Vec<Criterion>,
}

/// One clause.
#[derive(Debug, Clone)]
pub struct Criterion {
    /// In the canonical form, on one line.
    pub text: String,
    /// Of a standard filter: why it is there.
    pub why: Option<&'static str>,
    /// Where a person's own clause stands in the text, in bytes.
    pub span: Range<usize>,
    /// Why it has no answer for some records, or for all; each sentence once.
    pub unfit: Vec<String>,
    pub(super) unless_linked: bool,
    pub(super) node: Node,
    /// How a standard filter tells what it looked at.
    standard: Option<Standard>,
}

/// What a clause says of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Of a standard filter: why it is there.
    pub why: Option<&'static str>,
    pub clause: Clause,
}

impl Criteria {
    /// As they stand on the day `today`. `unread` says why a field is not in the cache; none where it is. What is not read has
    /// no answer.
    #[must_use]
    pub fn new(
        standard: Vec<Standard>,
        own: Option<Filter>,
        today: Date,
        unread: &impl Fn(&FieldName) -> Option<String>,
    ) -> Self {
        let standard = standard.into_iter().map(|standard| {
            let clause = Criterion::new(standard.text.clone(), standard.node.clone(), unread);
            let (why, unless_linked) = (Some(standard.why), standard.unless_linked);
            Criterion { why, unless_linked, standard: Some(standard), ..clause }
        });
        let own = own.into_iter().flat_map(|own| own.on(today).into_parts());
        let own = own.map(|part| Criterion { span: part.span, ..Criterion::new(part.text, part.node, unread) });
        Self { clauses: standard.chain(own).collect() }
    }

    /// The standard filters first.
    #[must_use]
    pub fn clauses(&self) -> &[Criterion] {
        &self.clauses
    }

    /// What each clause says of a record.
    #[must_use]
    pub fn evaluate(&self, record: &Record, linked: bool) -> Vec<Judged> {
        self.clauses.iter().map(|clause| clause.evaluate(record, linked)).collect()
    }

    /// The fields of all clauses, in no order, some of them several times.
    pub fn fields(&self) -> Vec<FieldName> {
        self.asks().into_iter().map(|ask| ask.field.clone()).collect()
    }

    pub(super) fn asks(&self) -> Vec<&Ask> {
        let mut asks = Vec::new();
        for clause in &self.clauses {
            clause.node.each_test(&mut |test| {
                if let Seen::Leaf(leaf) = test {
                    asks.push(&leaf.ask);
                }
            });
        }
        asks
    }
}

impl Criterion {
    fn new(text: String, mut node: Node, unread: &impl Fn(&FieldName) -> Option<String>) -> Self {
        node.leave_out(unread);
        let unfit = node.unfit().into_iter().map(str::to_owned).collect();
        Self { text, why: None, span: 0..0, unfit, unless_linked: false, node, standard: None }
    }

    fn evaluate(&self, record: &Record, linked: bool) -> Judged {
        let mut clause = self.node.whole_clause(&self.text, &self.span, &Subject::undated(record));
        let is_settled = linked && self.unless_linked;
        if is_settled {
            clause.answer = Answer::Pass;
        }
        if let Some(standard) = &self.standard {
            // it is one test for people, of however many fields
            clause.parts = Vec::new();
            if is_settled {
                clause.value = "it has its partner".to_owned();
            } else if clause.answer != Answer::Undecided {
                clause.value = standard.judge(record).2;
            }
        }
        Judged { why: self.why, clause }
    }
}
