//! One row of a table of options: the values that an option takes, what it is about, what it changes, and when.

use crate::data::{Block, ObservationSchema};
use crate::error::{Error, Result};
use serde_json::{Value, json};

/// The values that an option takes.
#[derive(Debug, Clone, Copy)]
pub enum OptionKind {
    /// A whole number in [min, max].
    Int {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// A number in [min, max].
    Float {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// true or false.
    Bool,
    /// One of the words that the function lists.
    Choice(fn() -> Vec<&'static str>),
    /// Text that is not empty.
    Text,
    /// Any JSON.
    Json,
}

/// What an option is about. Help texts, the page's form and the reference group the options by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The objective, the steps and the ensemble.
    Training,
    /// The set, its preprocessing, and the coordinates of its parameters.
    Data,
    /// The flow.
    Flow,
    /// The networks from observation to embedding.
    Encoder,
    /// The learning rate over time, and the end of training.
    Schedule,
    /// What is added to the data or to the loss.
    Noise,
    /// Penalties that keep splines tame.
    Splines,
    /// Which epochs count as stable.
    Stability,
    /// What is kept and shown of a run.
    Run,
}

impl Subject {
    /// A heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::Data => "Data and coordinates",
            Self::Flow => "Flow",
            Self::Encoder => "Encoder",
            Self::Schedule => "Schedule and stopping",
            Self::Noise => "Noise and auxiliary losses",
            Self::Splines => "Spline regularization",
            Self::Stability => "Stability checks",
            Self::Run => "Checkpoints and diagnostics",
        }
    }
}

/// Whether an option changes what is learned, and whether a model's file holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The option changes what is learned. A run that is resumed must keep its value.
    Learned,
    /// The option changes what is learned, and a model has it for good: it shapes a network, or says how numbers are
    /// scaled. Training that starts from the model keeps its value too.
    Fixed,
    /// The option changes nothing that is learned, and a model's file holds it.
    Recorded,
    /// The option changes nothing that is learned, and belongs to the machine that trains: a folder, for example. A
    /// model's file does not hold it.
    Local,
}

/// What an option changes about the work of a training step. Devices are timed and compared by that work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The kernels that the flow runs. With another value, a step takes another time, and a device must be compared again.
    Kernels,
    /// How much there is to compute. With another value, a step takes another time.
    Size,
    /// What is done around the steps. To time the steps alone, the option is set to its default.
    Around,
    /// Nothing that changes the time of a step.
    Same,
}

/// What must hold for an option to have an effect. Without an effect, only the option's default is accepted, because
/// whoever sets an option expects an effect.
#[derive(Debug)]
pub enum Condition<C> {
    /// Other options have certain values.
    Options {
        /// Tells whether the other options have these values.
        holds: fn(&C) -> bool,
        /// The condition in words, to follow "unless".
        words: &'static str,
    },
    /// The data have a block.
    Data {
        /// The block.
        block: Block,
        /// The condition in words, to follow "unless".
        words: &'static str,
    },
}

impl<C> Condition<C> {
    /// The condition in words, such as "training_objective is elbo".
    pub fn words(&self) -> &'static str {
        match self {
            Self::Options { words, .. } | Self::Data { words, .. } => words,
        }
    }

    /// Whether the other options meet the condition. They always meet a condition on the data.
    pub(super) fn is_met_by(&self, options: &C) -> bool {
        match self {
            Self::Options { holds, .. } => holds(options),
            Self::Data { .. } => true,
        }
    }

    /// Whether data of this schema meet the condition. They always meet a condition on other options.
    pub(super) fn is_met_on(&self, schema: &ObservationSchema) -> bool {
        match self {
            Self::Options { .. } => true,
            Self::Data { block, .. } => schema.shape(*block).is_some(),
        }
    }
}

/// An option: its name (the same in Rust, in JavaScript, in a settings file and, with dashes, on the command line), and
/// everything that is known about it. `C` is the struct that holds the values.
#[derive(Debug)]
pub struct OptionSpec<C: 'static> {
    /// The name.
    pub name: &'static str,
    /// The values that the option takes.
    pub kind: OptionKind,
    /// Whether the option may be left empty, which is `None`.
    pub optional: bool,
    /// The help text: what the option does, in sentences.
    pub help: &'static str,
    /// The subject that the option belongs to.
    pub subject: Subject,
    /// Whether the option changes what is learned, and whether a model's file holds it.
    pub scope: Scope,
    /// What the option changes about the work of a training step.
    pub work: Work,
    /// Whether the option is among the few that matter most. A form folds the others away.
    pub short: bool,
    /// The conditions that must all hold for the option to have an effect.
    pub only_if: &'static [Condition<C>],
    /// The default as JSON.
    pub default: fn() -> Value,
    /// The value as JSON.
    pub value: fn(&C) -> Value,
    /// Copies the value of the option from the first struct to the second.
    pub copy: fn(&C, &mut C),
}

impl<C: 'static> OptionSpec<C> {
    /// The row called `name`.
    ///
    /// # Errors
    /// [`Error::Option`] that lists the names there are.
    pub fn find_in<'a>(rows: &'a [Self], name: &str) -> Result<&'a Self> {
        rows.iter().find(|row| row.name == name).ok_or_else(|| {
            let names: Vec<_> = rows.iter().map(|row| row.name).collect();
            Error::option(name, "given", format!("an option that exists: {}", names.join(", ")))
        })
    }

    /// The values that are allowed, in words.
    pub fn allowed(&self) -> String {
        let values = match self.kind {
            OptionKind::Int { min, max } => format!("a whole number from {min} to {max}"),
            OptionKind::Float { min, max } => format!("a number from {min} to {max}"),
            OptionKind::Bool => "true or false".into(),
            OptionKind::Choice(words) => words().join(", "),
            OptionKind::Text => "text".into(),
            OptionKind::Json => "JSON".into(),
        };
        if self.optional { format!("{values}, or none") } else { values }
    }

    /// Checks a value against the option's kind.
    ///
    /// # Errors
    /// [`Error::Option`] naming the option, the value and what is allowed.
    pub fn check(&self, value: &Value) -> Result<()> {
        let fits = match self.kind {
            _ if value.is_null() => self.optional,
            OptionKind::Int { min, max } => value.as_u64().is_some_and(|v| (min..=max).contains(&v)),
            OptionKind::Float { min, max } => value.as_f64().is_some_and(|v| (min..=max).contains(&v)),
            OptionKind::Bool => value.is_boolean(),
            OptionKind::Choice(words) => value.as_str().is_some_and(|v| words().contains(&v)),
            OptionKind::Text => value.as_str().is_some_and(|v| !v.is_empty()),
            OptionKind::Json => true,
        };
        if fits { Ok(()) } else { Err(Error::option(self.name, value, self.allowed())) }
    }

    /// The conditions in words, to follow "only if"; `None` if the option always has an effect.
    pub fn conditions(&self) -> Option<String> {
        let words: Vec<_> = self.only_if.iter().map(Condition::words).collect();
        (!words.is_empty()).then(|| words.join(", and "))
    }

    /// The row as JSON, for the page.
    pub fn description(&self) -> Value {
        let mut row = json!({
            "name": self.name,
            "default": (self.default)(),
            "optional": self.optional,
            "short": self.short,
            "subject": self.subject.title(),
            "changes_step_time": matches!(self.work, Work::Kernels | Work::Size),
            "help": self.help,
            "only_if": self.conditions(),
        });
        let kind = match self.kind {
            OptionKind::Int { min, max } => json!({ "kind": "int", "min": min, "max": max }),
            OptionKind::Float { min, max } => json!({ "kind": "float", "min": min, "max": max }),
            OptionKind::Bool => json!({ "kind": "bool" }),
            OptionKind::Choice(words) => json!({ "kind": "choice", "choices": words() }),
            OptionKind::Text => json!({ "kind": "text" }),
            OptionKind::Json => json!({ "kind": "json" }),
        };
        if let (Value::Object(row), Value::Object(kind)) = (&mut row, kind) {
            row.extend(kind);
        }
        row
    }
}
