//! How many records a filter lets through, and what keeps the others out: over as many records as there are, while somebody
//! types.
//!
//! Records lie in pages, field by field, with each value once: a test asks each value once, and what came of it is kept for
//! the next key. Knows neither where the pages come from nor who wants the numbers.

mod bits;
mod column;
mod criteria;
mod leaves;
mod page;
mod tally;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bits::Bits;
pub use bits::ROWS;
pub use criteria::{Criteria, Criterion, Judged};
use leaves::Leaves;
use page::Answers;
pub use page::{Page, Reading};
pub use tally::{Against, ClauseTally, Tally};

use crate::model::{FieldName, RecordId};

/// What is to be counted.
#[derive(Debug, Clone)]
pub struct Question {
    pub criteria: Arc<Criteria>,
    /// What decides now, before anything of this is deployed.
    pub deployed: Option<Arc<Criteria>>,
}

impl Question {
    /// The fields that must be read, sorted, each once.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldName> {
        let deployed = self.deployed.iter().flat_map(|deployed| deployed.fields());
        let mut fields: Vec<FieldName> = self.criteria.fields().into_iter().chain(deployed).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}

/// Records that a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    Pass,
    Fail,
    Undecided,
    /// They pass, and do not with what is deployed.
    Enter,
    /// They pass with what is deployed and fail; they are linked, and rest as they are.
    Freeze,
    /// They pass with what is deployed and fail; they have no partner, and get none.
    StayOut,
    /// They pass with what is deployed, and now nothing decides about them.
    Unsettled,
    /// Those that the clause of this place does not let through.
    RemovedBy(usize),
    /// Those that this clause alone keeps out.
    RemovedOnlyBy(usize),
}

/// The pages of one object and system that are kept, with what is known of them.
#[derive(Debug, Default)]
pub struct Pages {
    fields: Vec<FieldName>,
    pages: Vec<Page>,
    leaves: Leaves,
    bytes: usize,
}

impl Pages {
    /// None yet; each will hold these fields, sorted.
    #[must_use]
    pub fn new(fields: Vec<FieldName>) -> Self {
        Self { fields, ..Self::default() }
    }

    #[must_use]
    pub fn fields(&self) -> &[FieldName] {
        &self.fields
    }

    /// Whether all that the question looks at was read.
    #[must_use]
    pub fn suit(&self, question: &Question) -> bool {
        question.fields().iter().all(|field| self.fields.binary_search(field).is_ok())
    }

    pub fn add(&mut self, page: Page) {
        self.bytes += page.bytes();
        self.pages.push(page);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    #[must_use]
    pub fn records(&self) -> u64 {
        self.pages.iter().map(|page| page.records() as u64).sum()
    }

    /// The record behind which the next page begins.
    #[must_use]
    pub fn last(&self) -> Option<RecordId> {
        self.pages.last().and_then(Page::last)
    }

    /// About how much memory they take.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Readies the pages for a question; `expected` pages will be asked in all.
    pub fn prepare(&mut self, question: &Question, expected: usize) {
        let all: Vec<&Criteria> =
            std::iter::once(&question.criteria).chain(&question.deployed).map(Arc::as_ref).collect();
        if !self.leaves.make_room(&all, expected.max(self.pages.len())) {
            self.pages.iter_mut().for_each(Page::forget);
        }
    }

    /// Adds the records of the page of that place to the numbers.
    pub fn count(&mut self, place: usize, question: &Question, tally: &mut Tally) {
        if let Some(page) = self.pages.get_mut(place) {
            judge(page, question, &self.leaves).add_to(tally, page);
        }
    }

    /// The records of the page of that place that a number counts.
    pub fn which(&mut self, place: usize, question: &Question, which: Which) -> Vec<RecordId> {
        self.pages.get_mut(place).map_or_else(Vec::new, |page| picked(page, question, &self.leaves, which))
    }
}

/// Adds the records of a page that is not kept to the numbers.
pub fn count_once(mut page: Page, question: &Question, tally: &mut Tally) {
    judge(&mut page, question, &Leaves::default()).add_to(tally, &page);
}

/// The records of a page that is not kept that a number counts.
#[must_use]
pub fn which_once(mut page: Page, question: &Question, which: Which) -> Vec<RecordId> {
    picked(&mut page, question, &Leaves::default(), which)
}

/// What is known of a page.
struct PageJudged {
    each: Vec<Answers>,
    whole: Answers,
    deployed: Option<Answers>,
    /// Records that one clause at least does not let through, and those that two do not.
    once: Bits,
    twice: Bits,
}

fn judge(page: &mut Page, question: &Question, leaves: &Leaves) -> PageJudged {
    let (each, whole) = page.judge(&question.criteria, leaves);
    let deployed = question.deployed.as_ref().map(|deployed| page.deployed(deployed, leaves));
    let all = Bits::first(page.records());
    let (mut once, mut twice) = (Bits::NONE, Bits::NONE);
    for answers in &each {
        let stopped = all.minus(&answers.pass);
        twice = twice.or(&once.and(&stopped));
        once = once.or(&stopped);
    }
    PageJudged { each, whole, deployed, once, twice }
}

fn picked(page: &mut Page, question: &Question, leaves: &Leaves, which: Which) -> Vec<RecordId> {
    let judged = judge(page, question, leaves);
    judged.set(which, page).rows().filter_map(|row| page.id(row)).collect()
}

impl PageJudged {
    fn set(&self, which: Which, page: &Page) -> Bits {
        let (pass, fail) = (&self.whole.pass, &self.whole.fail);
        let passed = self.deployed.map_or(Bits::NONE, |deployed| deployed.pass);
        match which {
            Which::Pass => *pass,
            Which::Fail => *fail,
            Which::Undecided => Bits::first(page.records()).minus(pass).minus(fail),
            Which::Enter => self.deployed.map_or(Bits::NONE, |deployed| pass.minus(&deployed.pass)),
            Which::Freeze => passed.and(fail).and(page.linked()),
            Which::StayOut => passed.and(fail).minus(page.linked()),
            Which::Unsettled => passed.minus(pass).minus(fail),
            Which::RemovedBy(clause) => self.each.get(clause).map_or(Bits::NONE, |answers| answers.fail),
            Which::RemovedOnlyBy(clause) => {
                self.each.get(clause).map_or(Bits::NONE, |answers| answers.fail.and(&self.once).minus(&self.twice))
            }
        }
    }

    fn add_to(&self, tally: &mut Tally, page: &Page) {
        let count = |which| self.set(which, page).count();
        tally.looked += page.records() as u64;
        tally.pass += count(Which::Pass);
        tally.fail += count(Which::Fail);
        tally.undecided += count(Which::Undecided);
        if self.deployed.is_some() {
            let against = tally.against.get_or_insert_default();
            against.enter += count(Which::Enter);
            against.freeze += count(Which::Freeze);
            against.stay_out += count(Which::StayOut);
            against.unsettled += count(Which::Unsettled);
        }
        tally.clauses.resize_with(self.each.len(), ClauseTally::default);
        for (place, clause) in tally.clauses.iter_mut().enumerate() {
            clause.removes += count(Which::RemovedBy(place));
            clause.alone += count(Which::RemovedOnlyBy(place));
        }
    }
}
