//! Cached records as far as filters look at them: a few thousand at a time, field by field.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bits::{Bits, ROWS};
use super::column::{Column, Growing};
use super::criteria::Criteria;
use super::leaves::Leaves;
use crate::filter::eval::{Leaf, Node};
use crate::model::{FieldName, RecordId, Value};

/// Records of one system, at most [`ROWS`], with the fields that were asked for.
#[derive(Debug)]
pub struct Page {
    ids: Vec<RecordId>,
    archived: Bits,
    linked: Bits,
    columns: BTreeMap<FieldName, Column>,
    /// By the number of a test in [`Leaves`].
    known: Vec<Option<Box<Bits>>>,
    /// What the criteria that are deployed say: they stay while somebody types.
    deployed: Option<(Arc<Criteria>, Box<Answers>)>,
}

/// A page while it is read.
#[derive(Debug)]
pub struct Reading<'a> {
    fields: &'a [FieldName],
    columns: Vec<Growing>,
    ids: Vec<RecordId>,
    archived: Bits,
    linked: Bits,
}

/// What is known of the records of a page: those that pass, and those that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    pub pass: Bits,
    pub fail: Bits,
}

impl<'a> Reading<'a> {
    #[must_use]
    pub fn new(fields: &'a [FieldName]) -> Self {
        let columns = fields.iter().map(|_| Growing::default()).collect();
        Self { fields, columns, ids: Vec::new(), archived: Bits::NONE, linked: Bits::NONE }
    }

    /// The next record, with a value for each field, in their order. Beyond [`ROWS`] it is not taken.
    pub fn push(&mut self, id: RecordId, archived: bool, linked: bool, values: impl Iterator<Item = Value>) {
        let row = self.ids.len();
        if row == ROWS {
            return;
        }
        self.ids.push(id);
        if archived {
            self.archived.set(row);
        }
        if linked {
            self.linked.set(row);
        }
        let mut values = values;
        self.columns.iter_mut().for_each(|column| column.push(values.next().unwrap_or_default()));
    }

    #[must_use]
    pub fn done(self) -> Page {
        let columns = self.columns.into_iter().map(Growing::done);
        Page {
            ids: self.ids,
            archived: self.archived,
            linked: self.linked,
            columns: self.fields.iter().cloned().zip(columns).collect(),
            known: Vec::new(),
            deployed: None,
        }
    }
}

impl Page {
    #[must_use]
    pub fn records(&self) -> usize {
        self.ids.len()
    }

    #[must_use]
    pub fn last(&self) -> Option<RecordId> {
        self.ids.last().copied()
    }

    #[must_use]
    pub fn id(&self, row: usize) -> Option<RecordId> {
        self.ids.get(row).copied()
    }

    #[must_use]
    pub const fn linked(&self) -> &Bits {
        &self.linked
    }

    /// About how much memory it takes, without the answers that it keeps.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let columns: usize = self.columns.values().map(Column::bytes).sum();
        self.ids.len() * size_of::<RecordId>() + columns
    }

    pub(super) fn forget(&mut self) {
        self.known = Vec::new();
    }

    /// What each clause says of the records, and what they say together.
    pub(super) fn judge(&mut self, criteria: &Criteria, leaves: &Leaves) -> (Vec<Answers>, Answers) {
        let all = Bits::first(self.records());
        let mut whole = Answers { pass: all, fail: Bits::NONE };
        let mut each = Vec::with_capacity(criteria.clauses().len());
        for clause in criteria.clauses() {
            let mut answers = self.answers(&clause.node, &all, leaves);
            if clause.unless_linked {
                answers = Answers { pass: answers.pass.or(&self.linked), fail: answers.fail.minus(&self.linked) };
            }
            whole = Answers { pass: whole.pass.and(&answers.pass), fail: whole.fail.or(&answers.fail) };
            each.push(answers);
        }
        (each, whole)
    }

    /// What the deployed criteria say together.
    pub(super) fn deployed(&mut self, criteria: &Arc<Criteria>, leaves: &Leaves) -> Answers {
        if let Some((of, answers)) = &self.deployed
            && Arc::ptr_eq(of, criteria)
        {
            return **answers;
        }
        let (_, whole) = self.judge(criteria, leaves);
        self.deployed = Some((Arc::clone(criteria), Box::new(whole)));
        whole
    }

    fn answers(&mut self, node: &Node, all: &Bits, leaves: &Leaves) -> Answers {
        match node {
            Node::All(nodes) => {
                let start = Answers { pass: *all, fail: Bits::NONE };
                nodes.iter().fold(start, |sum, node| {
                    let next = self.answers(node, all, leaves);
                    Answers { pass: sum.pass.and(&next.pass), fail: sum.fail.or(&next.fail) }
                })
            }
            Node::Any(nodes) => {
                let start = Answers { pass: Bits::NONE, fail: *all };
                nodes.iter().fold(start, |sum, node| {
                    let next = self.answers(node, all, leaves);
                    Answers { pass: sum.pass.or(&next.pass), fail: sum.fail.and(&next.fail) }
                })
            }
            Node::Not(node) => {
                let Answers { pass, fail } = self.answers(node, all, leaves);
                Answers { pass: fail, fail: pass }
            }
            Node::Leaf(leaf) => self.test(leaf, all, leaves),
            Node::Unfit(_) => Answers { pass: Bits::NONE, fail: Bits::NONE },
            Node::Present => known(all.minus(&self.archived), all),
            Node::NoneOf(ids) => {
                let mut listed = Bits::NONE;
                for row in ids.iter().filter_map(|id| self.ids.iter().position(|held| held == id)) {
                    listed.set(row);
                }
                known(all.minus(&listed), all)
            }
        }
    }

    fn test(&mut self, leaf: &Leaf, all: &Bits, leaves: &Leaves) -> Answers {
        let number = leaves.number(&leaf.ask);
        if let Some(pass) = number.and_then(|number| self.known.get(number)?.as_deref()) {
            return known(*pass, all);
        }
        // a column that was not read is not empty
        let Some(column) = self.columns.get(&leaf.ask.field) else {
            return Answers { pass: Bits::NONE, fail: Bits::NONE };
        };
        let pass = column.passing(|value| leaf.ask.passes(value));
        if let Some(number) = number {
            if self.known.len() <= number {
                self.known.resize(number + 1, None);
            }
            self.known[number] = Some(Box::new(pass));
        }
        known(pass, all)
    }
}

fn known(pass: Bits, all: &Bits) -> Answers {
    Answers { pass, fail: all.minus(&pass) }
}
