//! The interpreter: what scripts find in it, and what they may take.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::{
    Array, CatchResultExt as _, CaughtError, Context, Ctx, Function, IntoJs as _, Object, Persistent, Runtime,
};
use rust_decimal::Decimal;

use super::{MAX_CHECKS, MAX_MEMORY, MAX_RESULT, MAX_STACK, ScriptError};
use crate::model::Value;

/// What scripts find: no clock, no promises, no code from text.
type Builtins = (
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::Promise,
);

const PRELUDE: &str = include_str!("prelude.js");
/// The name under which scripts stand in the interpreter's list of calls.
const FILE: &str = "script";
/// Scripts that are kept compiled.
const MOST_KEPT: usize = 256;
/// What stands before a script, on lines of its own.
const LINES_BEFORE: usize = 1;

/// One interpreter with the scripts that were called in it.
pub struct Sandbox {
    // before the runtime: what is kept of it must go first
    kept: BTreeMap<Arc<str>, Persistent<Function<'static>>>,
    run: Persistent<Function<'static>>,
    context: Context,
    checks: Arc<Checks>,
    spoiled: bool,
}

/// How often the interpreter asked whether to go on, and how often it may.
#[derive(Default)]
struct Checks {
    asked: AtomicU32,
    allowed: AtomicU32,
}

impl Checks {
    fn begin(&self, allowed: u32) {
        self.asked.store(0, Ordering::Relaxed);
        self.allowed.store(allowed, Ordering::Relaxed);
    }

    fn stops(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.allowed.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.asked.load(Ordering::Relaxed) > self.allowed.load(Ordering::Relaxed)
    }
}

impl Sandbox {
    /// # Errors
    /// The interpreter cannot be set up: there is no memory.
    pub fn new() -> Result<Self, ScriptError> {
        let cannot = |error: rquickjs::Error| ScriptError::new(format!("the interpreter does not start: {error}"));
        let runtime = Runtime::new().map_err(cannot)?;
        runtime.set_memory_limit(MAX_MEMORY);
        runtime.set_max_stack_size(MAX_STACK);
        let checks = Arc::new(Checks::default());
        checks.begin(MAX_CHECKS);
        let asked = Arc::clone(&checks);
        runtime.set_interrupt_handler(Some(Box::new(move || asked.stops())));
        let context = Context::custom::<Builtins>(&runtime).map_err(cannot)?;
        let run = context.with(|ctx| -> Result<_, ScriptError> {
            let run: Function<'_> = ctx
                .eval_with_options(PRELUDE, options("prelude"))
                .catch(&ctx)
                .map_err(|error| ScriptError::new(format!("the interpreter does not start: {}", said(&error))))?;
            Ok(Persistent::save(&ctx, run))
        })?;
        Ok(Self { kept: BTreeMap::new(), run, context, checks, spoiled: false })
    }

    /// Whether a call ended in a way that could be felt by the next one.
    #[must_use]
    pub const fn is_spoiled(&self) -> bool {
        self.spoiled
    }

    /// # Errors
    /// The source is not one expression.
    pub fn compile(&mut self, source: &str) -> Result<(), ScriptError> {
        let ctx = self.context.clone();
        ctx.with(|ctx| self.function(&ctx, source).map(drop))
    }

    /// Calls a script in an interpreter that was used before. None: it took so much that what was before may have counted.
    pub fn call_lightly<'a>(
        &mut self,
        source: &Arc<str>,
        value: &Value,
        fields: impl Iterator<Item = (&'a str, &'a Value)>,
    ) -> Option<Result<Value, ScriptError>> {
        let answer = self.run(0, source, value, fields);
        (!self.spoiled && !self.checks.is_over()).then_some(answer)
    }

    /// Calls a script in an interpreter in which nothing was called before.
    pub fn call<'a>(
        &mut self,
        source: &Arc<str>,
        value: &Value,
        fields: impl Iterator<Item = (&'a str, &'a Value)>,
    ) -> Result<Value, ScriptError> {
        self.run(MAX_CHECKS, source, value, fields)
    }

    fn run<'a>(
        &mut self,
        allowed: u32,
        source: &Arc<str>,
        value: &Value,
        fields: impl Iterator<Item = (&'a str, &'a Value)>,
    ) -> Result<Value, ScriptError> {
        if self.kept.len() >= MOST_KEPT {
            self.kept.clear();
        }
        let context = self.context.clone();
        context.with(|ctx| {
            self.checks.begin(MAX_CHECKS);
            let function = self.function(&ctx, source)?;
            let arguments = arguments(&ctx, value, fields)?;
            self.checks.begin(allowed);
            let run = self.run.clone().restore(&ctx).map_err(unexpected)?;
            let answer: Result<rquickjs::Value<'_>, _> = run.call((function, arguments.0, arguments.1)).catch(&ctx);
            match answer {
                Ok(answer) => given(&answer),
                Err(error) => {
                    let error = self.told(&error);
                    Err(error)
                }
            }
        })
    }

    fn function<'js>(&mut self, ctx: &Ctx<'js>, source: &str) -> Result<Function<'js>, ScriptError> {
        if let Some(kept) = self.kept.get(source) {
            return kept.clone().restore(ctx).map_err(unexpected);
        }
        // What closes the brackets of one of them does not close those of the other: a script cannot leave its place.
        let read = |open, close| {
            let whole = format!("(value, record) => {open}\n{source}\n{close}");
            self.read(ctx, &whole).map_err(|error| within(error, source))
        };
        read('[', ']')?;
        let function = read('(', ')')?;
        self.kept.insert(source.into(), Persistent::save(ctx, function.clone()));
        Ok(function)
    }

    fn read<'js>(&self, ctx: &Ctx<'js>, source: &str) -> Result<Function<'js>, ScriptError> {
        ctx.eval_with_options(source, options(FILE)).catch(ctx).map_err(|error| placed(&error))
    }

    fn told(&mut self, error: &CaughtError<'_>) -> ScriptError {
        if self.checks.is_over() {
            self.spoiled = true;
            return ScriptError { message: "it takes too long: a loop without an end?".to_owned(), ..placed(error) };
        }
        let told = placed(error);
        if told.message.contains("out of memory") {
            self.spoiled = true;
            let message = format!("it takes more than {} MB of memory", MAX_MEMORY / 1024 / 1024);
            return ScriptError { message, ..told };
        }
        told
    }
}

/// What is missed behind the end of a script is missed at its end.
fn within(error: ScriptError, source: &str) -> ScriptError {
    let lines = source.lines().count().max(1);
    if error.line <= lines {
        return error;
    }
    let column = source.lines().last().map_or(0, |line| line.chars().count()) + 1;
    ScriptError { message: "it ends too early: something is missing".to_owned(), line: lines, column }
}

fn options(file: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    options.filename = Some(file.to_owned());
    options
}

fn unexpected(error: rquickjs::Error) -> ScriptError {
    ScriptError::new(error.to_string())
}

fn said(error: &CaughtError<'_>) -> String {
    match error {
        CaughtError::Exception(exception) => {
            exception.message().unwrap_or_else(|| "it threw an error without words".to_owned())
        }
        CaughtError::Value(value) => match value.as_string().and_then(|text| text.to_string().ok()) {
            Some(text) => text,
            None => format!("it threw {}", value.type_name()),
        },
        CaughtError::Error(error) => error.to_string(),
    }
}

/// What went wrong, and where in the script.
fn placed(error: &CaughtError<'_>) -> ScriptError {
    let stack = match error {
        CaughtError::Exception(exception) => exception.stack().unwrap_or_default(),
        _ => String::new(),
    };
    let found = stack.lines().find_map(position);
    let (line, column) = found.map_or((0, 0), |(line, column)| (line.saturating_sub(LINES_BEFORE), column));
    ScriptError { message: said(error), line, column }
}

/// `at name (script:2:5)`, and without a name `at script:2:5`.
fn position(line: &str) -> Option<(usize, usize)> {
    let place = line.split([' ', '(', ')']).find_map(|word| word.strip_prefix(FILE)?.strip_prefix(':'))?;
    let (line, column) = place.split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

type Arguments<'js> = (rquickjs::Value<'js>, Object<'js>);

fn arguments<'js, 'a>(
    ctx: &Ctx<'js>,
    value: &Value,
    fields: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Result<Arguments<'js>, ScriptError> {
    let object = Object::new(ctx.clone()).map_err(unexpected)?;
    object.set_prototype(None).map_err(unexpected)?;
    for (name, value) in fields {
        object.set(name, taken(ctx, value)?).map_err(unexpected)?;
    }
    Ok((taken(ctx, value)?, object))
}

fn taken<'js>(ctx: &Ctx<'js>, value: &Value) -> Result<rquickjs::Value<'js>, ScriptError> {
    let null = rquickjs::Value::new_null(ctx.clone());
    let taken = match value {
        Value::Empty => return Ok(null),
        Value::Text(text) | Value::Choice(text) => text.as_str().into_js(ctx),
        Value::Bool(flag) => flag.into_js(ctx),
        Value::Number(number) => number_of(*number)?.into_js(ctx),
        Value::Date(date) => date.to_string().into_js(ctx),
        Value::DateTime(time) => time.to_rfc3339().into_js(ctx),
        Value::Choices(keys) => keys.clone().into_js(ctx),
    };
    taken.map_err(unexpected)
}

/// JavaScript counts in binary, with 15 digits that can be relied upon.
fn number_of(number: Decimal) -> Result<f64, ScriptError> {
    let as_float: Option<f64> = number.to_string().parse().ok();
    let exact =
        as_float.filter(|float| Decimal::try_from(*float).is_ok_and(|back| back.normalize() == number.normalize()));
    exact.ok_or_else(|| ScriptError::new(format!("{number} has more digits than a script can count with")))
}

/// The value that a script gave.
fn given(answer: &rquickjs::Value<'_>) -> Result<Value, ScriptError> {
    let none = |what: &str| Err(ScriptError::new(format!("it gives {what}, which no field can hold")));
    if answer.is_null() || answer.is_undefined() {
        return Ok(Value::Empty);
    }
    if let Some(flag) = answer.as_bool() {
        return Ok(Value::Bool(flag));
    }
    if let Some(number) = answer.as_number() {
        let number = if number.is_finite() { Decimal::try_from(number).ok() } else { None };
        return number.map_or_else(
            || none("a number that is not finite or too large"),
            |number| Ok(Value::Number(number.normalize())),
        );
    }
    if let Some(text) = answer.as_string() {
        return Ok(Value::text(text_of(text, &mut 0)?));
    }
    if let Some(list) = answer.as_array() {
        return texts(list);
    }
    none(match answer.type_name() {
        "function" | "constructor" => "a function",
        "symbol" => "a symbol",
        "object" => "an object",
        _ => "something",
    })
}

fn texts(list: &Array<'_>) -> Result<Value, ScriptError> {
    if list.len() > MAX_RESULT {
        return Err(ScriptError::new(format!("it gives a list of {} items, more than {MAX_RESULT}", list.len())));
    }
    let (mut keys, mut length) = (Vec::new(), 0);
    for item in list.iter::<rquickjs::Value<'_>>() {
        let item = item.map_err(unexpected)?;
        let text =
            item.as_string().ok_or_else(|| ScriptError::new("it gives a list with something else than texts"))?;
        keys.push(text_of(text, &mut length)?);
    }
    keys.sort();
    keys.dedup();
    Ok(if keys.is_empty() { Value::Empty } else { Value::Choices(keys) })
}

fn text_of(text: &rquickjs::String<'_>, length: &mut usize) -> Result<String, ScriptError> {
    let text = text.to_string().map_err(|_| ScriptError::new("it gives half a character, which no field can hold"))?;
    *length += text.chars().count();
    if *length > MAX_RESULT {
        return Err(ScriptError::new(format!("it gives a text of more than {MAX_RESULT} characters")));
    }
    Ok(text)
}
