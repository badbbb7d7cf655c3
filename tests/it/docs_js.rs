//! The page of the JavaScript client, made from the types of the client (`www/client/*.d.ts`).

use crate::docs::{anchor, is_current, read};
use crate::docs_js_types::{Item, first_sentence, items, markdown, one_line};
use std::fmt::Write;
use std::path::Path;

const PAGE: &str = "docs/reference/js.md";

/// The files of types that the page shows. The training options (`options.d.ts`) have a page of their own.
const FILES: [&str; 8] = ["index", "calls", "data", "observed", "training", "report", "local-report", "engine"];

/// Where the page of the training options describes a type.
const ELSEWHERE: (&str, &str) = ("TrainingOptions", "options.md");

/// The types whose calls are calls of a client: the name of an object that the page uses for them.
const CLIENT: ([&str; 2], &str) = (["Session", "EngineCalls"], "flowglass");

const INTRODUCTION: &str = "\
# JavaScript

<!-- Made from www/client/*.d.ts by: FLOWGLASS_DOCS=renew cargo test --release --test it docs. Edit the types instead. -->

The client is a folder of modules without dependencies, `client/` beside the page. It starts a worker that holds the engine, and its calls
give promises. [In your own page](../guide/in-your-page.md) says which files a page needs, and has a whole example. More examples are in the
guide, for instance in [Training](../guide/training.md#from-javascript). The options of training are on [a page of their own](options.md).

- **Names.** `flowglass` is a client, which `Flowglass.create()` gives. `trainingRun`, `checkRun` and `localFlowglass` are objects of the types
  of these names.
- **Errors.** A call that fails gives a [`FlowglassError`](#flowglasserror). Each call lists the codes of its own errors.
- **Letters.** N simulations, D parameters, W points of a spectrum, F bands of photometry, n draws, B observations, E numbers of an embedding.
  Arrays of several dimensions are row-major.

## All calls

| call | what it does |
|---|---|
";

/// The sections of the page, in its order: title, introduction and headings.
const SECTIONS: [(&str, &str, &str); 9] = [
    (
        "Start",
        "A client is made, used and closed. `client/index.js` exports the names of this page, except for those of \
         [Without a worker](#without-a-worker).",
        "Flowglass Flowglass.create flowglass.addEventListener flowglass.close Session EngineCalls ClientOptions \
         EngineOptions Restart",
    ),
    (
        "Device",
        "`Flowglass.create` chooses the device that computes. These calls change, test and time it.",
        "flowglass.setDevice flowglass.selfTest flowglass.timeDevice whyNoWebGpu isTimedFor DEVICES DeviceName \
         DeviceChoice DeviceInfo Timing SelfTest",
    ),
    (
        "Sets",
        "A client holds one simulation set. Training and checks use it.",
        "flowglass.readSet flowglass.setRow flowglass.simulators flowglass.simulate Assignment SetSummary SetRow \
         ArrayInfo Prior PriorFit NumberRange SimulatorDescription",
    ),
    (
        "Training",
        "Training makes a model from the set. A client holds one model.",
        "flowglass.train trainingRun.pause trainingRun.resume trainingRun.finish trainingRun.cancel flowglass.options \
         flowglass.optionsWithoutEffect spline affine autoregressive neuralAutoregressive TrainingRun TrainHooks \
         Likelihood TrainingEvent StartedEvent ProgressEvent EpochEvent SkippedEvent FinishedEvent EVENT STATUS \
         EpochRecord EpochStability TrainingVerdict Config OptionDescription",
    ),
    (
        "Posterior",
        "These calls give draws and densities of the posterior for any observation that fits the model.",
        "flowglass.samplePosterior flowglass.batchSamplePosterior flowglass.logProb flowglass.batchLogProb \
         flowglass.importance flowglass.encodeObservation flowglass.batchEncodeObservation flowglass.readObservation \
         flowglass.checkObservation flowglass.misfit flowglass.interpolateObservation flowglass.convert flowglass.summarize \
         flowglass.intervalLevels Observation ObservationInput Photometry Condition Numbers Space Draws WeightedDraws \
         Misfit Stretch ParameterSummary Learned",
    ),
    (
        "Checks",
        "A check compares the model's posteriors with the true parameters of simulations.",
        "flowglass.check checkRun.finish checkRun.cancel CheckRun CheckOptions CheckProgress Report ParameterReport RegionReport \
         Conclusion Verdict EdgeDensity Coverage RankMoment Uniformity EcdfDifference PredictiveReport flowglass.checkAt \
         localCheckRun.cancel LocalCheckRun LocalCheckOptions LocalCheckHooks LocalReport AtObservation ParameterAt",
    ),
    (
        "Files",
        "These calls save and load models, write draws, and say what a file holds.",
        "flowglass.saveModel flowglass.loadModel flowglass.modelSummary flowglass.metadata flowglass.fromMetadata \
         flowglass.drawsFile flowglass.whatIs ModelSummary ModelOrigin PhotometrySummary \
         FileKind",
    ),
    ("Errors", "A call that fails throws this error or rejects its promise with it.", "FlowglassError ErrorCode"),
    (
        "Without a worker",
        "The engine in the calling thread, for a test or a notebook's widget. `client/engine.js` exports these names.",
        "LocalFlowglass.create localFlowglass.train localFlowglass.addEventListener LocalFlowglass LocalTrainHooks \
         PULL_MS",
    ),
];

/// The text with an empty line before each list.
fn spaced(text: &str) -> String {
    let mut out = String::new();
    let mut before = "";
    for line in text.lines() {
        if line.starts_with("- ") && !before.starts_with("- ") && !before.is_empty() {
            out += "\n";
        }
        out += &format!("{line}\n");
        before = line;
    }
    out
}

/// A text as the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A heading of the page, and what stands below it.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    heading: String,
    is_call: bool,
    /// The declaration; of a call with several signatures, one item for each.
    items: Vec<Item>,
}

impl Entry {
    fn address(&self) -> String {
        format!("#{}", anchor(&self.heading))
    }

    fn link(&self) -> String {
        format!("[`{}`]({})", self.heading, self.address())
    }

    /// The first sentence of its comment; of each of its comments, if it has several signatures.
    fn lead(&self) -> String {
        self.items.iter().map(|item| first_sentence(&item.comment)).collect::<Vec<_>>().join(" ")
    }
}

/// The entries of a declaration: itself, and each of its calls that has a comment. A constant that holds calls has no
/// entry of its own, because the type of the same name has one.
fn entries(item: &Item) -> Vec<Entry> {
    let name = item.name();
    let calls: Vec<Item> =
        item.members().into_iter().filter(|member| member.is_call() && !member.comment.is_empty()).collect();
    let is_constant = item.lines[0].starts_with("export const ");
    let owner = match name.as_str() {
        _ if is_constant => name.clone(),
        name if CLIENT.0.contains(&name) => CLIENT.1.into(),
        name => name[..1].to_lowercase() + &name[1..],
    };
    let mut found = Vec::new();
    if !is_constant || calls.is_empty() {
        found.push(Entry { heading: name, is_call: item.is_call(), items: vec![item.clone()] });
    }
    for call in calls {
        let heading = format!("{owner}.{}", call.name());
        match found.iter_mut().find(|entry| entry.heading == heading) {
            Some(entry) => entry.items.push(call),
            None => found.push(Entry { heading, is_call: true, items: vec![call] }),
        }
    }
    found
}

/// Where a type is described, if the page or another one does.
fn address(name: &str, all: &[Entry]) -> Option<String> {
    if name == ELSEWHERE.0 {
        return Some(ELSEWHERE.1.into());
    }
    all.iter().find(|entry| !entry.is_call && entry.heading == name).map(Entry::address)
}

/// The types in some code that are described somewhere, each with its address.
fn types(code: &str, all: &[Entry]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for word in code.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
        if let Some(address) = address(word, all)
            && !found.iter().any(|(name, _)| name == word)
        {
            found.push((word.into(), address));
        }
    }
    found
}

/// The types in some code as an item of a list, except for `own`; empty if there are none.
fn types_line(code: &str, own: &str, all: &[Entry]) -> String {
    let links = types(code, all).into_iter().filter(|(name, _)| name != own);
    let links: Vec<String> = links.map(|(name, address)| format!("[`{name}`]({address})")).collect();
    if links.is_empty() { String::new() } else { format!("- types: {}\n", links.join(", ")) }
}

/// A field as a row of a table. Its type leads to the first type in it.
fn row(field: &Item, all: &[Entry]) -> String {
    let code = field.lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    let (name, kind) = code.trim_end_matches(';').split_once(": ").unwrap_or((&code, ""));
    let name = name.trim_start_matches("readonly ");
    let shown = format!("`{}`", cell(kind));
    let shown = match types(kind, all).first() {
        Some((_, address)) => format!("[{shown}]({address})"),
        None => shown,
    };
    format!("| `{}` | {shown} | {} |\n", cell(name), cell(&one_line(&markdown(&field.comment, ""))))
}

/// An entry with its heading.
fn section(entry: &Entry, all: &[Entry]) -> String {
    let code = entry.items.iter().map(Item::code).collect::<Vec<_>>().join("\n");
    let code = code.trim_start_matches("export ");
    let block = format!("\n```ts\n{code}\n```\n");
    let mut out = format!("\n### {}\n", entry.heading);
    if entry.is_call {
        let fails = if code.contains("Promise<") { "rejects with" } else { "throws" };
        out += &block;
        entry.items.iter().for_each(|item| out += &format!("\n{}", markdown(&item.comment, fails)));
        out += &types_line(code, "", all);
        return spaced(&out);
    }
    let item = &entry.items[0];
    out += &format!("\n{}", markdown(&item.comment, "throws"));
    let (calls, fields): (Vec<Item>, Vec<Item>) = item.members().into_iter().partition(Item::is_call);
    if calls.is_empty() && fields.iter().all(|field| field.comment.is_empty()) {
        out += &block;
        out += &types_line(code, &entry.heading, all);
        return spaced(&out);
    }
    if let Some((_, above)) = item.lines[0].split_once(" extends ") {
        let linked = |name: &str| match address(name, all) {
            Some(address) => format!("[`{name}`]({address})"),
            None => format!("`{name}`"),
        };
        let above = above.trim_end_matches([' ', '{']).split(", ").map(linked).collect::<Vec<_>>();
        let _ = write!(out, "\nIt extends {}.\n", above.join(" and "));
    }
    if !fields.is_empty() {
        out += "\n| field | type | meaning |\n|---|---|---|\n";
        fields.iter().for_each(|field| out += &row(field, all));
    }
    let calls: Vec<String> = entries(item)
        .iter()
        .filter(|entry| entry.is_call)
        .map(|call| format!("[`{}`]({})", call.items[0].name(), call.address()))
        .collect();
    if !calls.is_empty() {
        let _ = write!(out, "\nIts calls: {}.\n", calls.join(", "));
    }
    spaced(&out)
}

/// Every entry, in the order of the types.
fn all_entries() -> Vec<Entry> {
    let is_shown = |item: &Item| item.lines[0].starts_with("export ") && !item.lines[0].starts_with("export type *");
    let mut found = Vec::new();
    for file in FILES {
        let text = read(Path::new(&format!("www/client/{file}.d.ts")));
        let items = items(&text.lines().collect::<Vec<_>>(), 0);
        items.iter().filter(|item| is_shown(item)).for_each(|item| found.extend(entries(item)));
    }
    found
}

fn page() -> String {
    let all = all_entries();
    let named = |heading: &str| {
        let found = all.iter().find(|entry| entry.heading == heading);
        found.unwrap_or_else(|| panic!("SECTIONS names {heading}, which no type declares"))
    };
    let (mut table, mut sections) = (String::new(), String::new());
    for (title, introduction, headings) in SECTIONS {
        let entries: Vec<&Entry> = headings.split_whitespace().map(named).collect();
        let calls: Vec<&Entry> = entries.iter().copied().filter(|entry| entry.is_call).collect();
        if !calls.is_empty() {
            let _ = writeln!(table, "| **[{title}](#{})** | |", anchor(title));
        }
        for call in calls {
            let _ = writeln!(table, "| {} | {} |", call.link(), cell(&call.lead()));
        }
        let _ = write!(sections, "\n## {title}\n\n{introduction}\n");
        entries.iter().for_each(|entry| sections += &section(entry, &all));
    }
    format!("{INTRODUCTION}{table}{sections}")
}

#[test]
fn the_page_of_the_javascript_client_is_what_its_types_say() {
    is_current(PAGE, &page());
}

#[test]
fn every_call_and_type_has_its_place_on_the_page() {
    let sections = SECTIONS.iter().flat_map(|(_, _, headings)| headings.split_whitespace());
    let mut placed: Vec<String> = sections.map(String::from).collect();
    let mut declared: Vec<String> = all_entries().into_iter().map(|entry| entry.heading).collect();
    placed.sort();
    declared.sort();
    assert_eq!(placed, declared, "SECTIONS of tests/it/docs_js.rs (left) against the types of the client (right)");
}

#[test]
fn no_two_headings_of_the_page_have_one_address() {
    let page = page();
    let mut addresses: Vec<String> = page.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    let headings = addresses.len();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), headings);
}

const TYPES: &str = "/** A. */\nexport interface A {\n  /**\n   * Does b. And more.\n   * @param c one\n   * of them\n   * @throws `x`\n   */\n  b(c: G): void;\n  /** E | F. */\n  e?: 'x' | 'y';\n  /** H. */\n  h: G[];\n}\n\n/** G. */\nexport type G =\n  | 'g'\n  | 'h';\n";

fn declarations() -> Vec<Item> {
    items(&TYPES.lines().collect::<Vec<_>>(), 0)
}

/// The parts of the page for `TYPES`, by their headings.
fn shown(heading: &str) -> String {
    let all: Vec<Entry> = declarations().iter().flat_map(entries).collect();
    section(all.iter().find(|entry| entry.heading == heading).expect("it has an entry"), &all)
}

#[test]
fn declarations_are_told_apart() {
    assert_eq!(declarations().iter().map(Item::name).collect::<Vec<_>>(), ["A", "G"]);
    assert!(shown("G").contains("type G =\n  | 'g'\n  | 'h';"));
}

#[test]
fn members_keep_their_comments() {
    let (call, whole) = (shown("a.b"), shown("A"));
    let wanted = "### a.b\n\n```ts\nb(c: G): void;\n```\n\nDoes b. And more.\n\n- `c`: one of them\n- throws `x`\n";
    assert!(call.contains(wanted), "{call}");
    assert!(call.ends_with("- types: [`G`](#g)\n"), "{call}");
    assert!(whole.contains("| `e?` | `'x' \\| 'y'` | E \\| F. |"), "{whole}");
    assert!(whole.contains("| `h` | [`G[]`](#g) | H. |"), "{whole}");
    assert!(whole.contains("Its calls: [`b`](#ab)."), "{whole}");
}
