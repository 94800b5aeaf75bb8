//! Running scenarios, one after the other, each on a server of its own.

use std::future::Future;

use super::action::Action;
use super::ask::{ask, item};
use super::item::{Item, ItemKind, Outcome, Report, Subject};
use super::live::{Live, Refusal};
use super::question::{self, Question, questions};
use super::stage::{BoxFuture, Place, Stage};
use super::unsupported::unsupported;
use crate::apply::ApplyError;
use crate::document::{Control, Defaults, Operation, Scenario, Step};

const ACCEPTED: &str = "accepted";
const REFUSED: &str = "refused";

/// How to check.
pub struct CheckOptions<'a> {
    /// Send packets too; the stage's servers must have the kernel data plane.
    pub measure: bool,
    /// Told of what happens while it does.
    pub on_progress: &'a mut (dyn FnMut(Progress<'_>) + Send),
    /// When it is done the check ends early: what was started is stopped and removed first.
    pub interrupt: BoxFuture<'a, ()>,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A scenario begins, with so many items.
    Scenario(&'a Scenario, usize),
    /// An item is done.
    Item(&'a Item),
}

/// A check that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The document expects what cannot be.
    #[error("{scenario}: {message}")]
    Document {
        /// The scenario's id.
        scenario: String,
        /// What is wrong.
        message: String,
    },
    /// No server to check on.
    #[error("cannot start a server for scenario {scenario}: {message}")]
    Start {
        /// The scenario's id.
        scenario: String,
        /// Why.
        message: String,
    },
    /// The server of a scenario did not go away.
    #[error("the server of scenario {scenario} could not be removed: {message}")]
    Stop {
        /// The scenario's id.
        scenario: String,
        /// Why.
        message: String,
    },
    /// [`CheckOptions::interrupt`].
    #[error("interrupted")]
    Interrupted,
}

/// Checks scenarios in order. Everything that the document expects is read before the first server is started.
///
/// # Errors
/// [`CheckError`]. An item that differs is no error; see [`Report::passed`].
pub async fn check(
    stage: &dyn Stage,
    scenarios: &[&Scenario],
    defaults: &Defaults,
    options: &mut CheckOptions<'_>,
) -> Result<Report, CheckError> {
    let plans: Vec<Plan<'_>> = scenarios.iter().map(|s| Plan::read(s, defaults)).collect::<Result<_, _>>()?;
    let mut report = Report::default();
    for plan in &plans {
        (options.on_progress)(Progress::Scenario(plan.scenario, plan.len()));
        let mut run = Run { stage, plan, defaults, options, live: None, report: &mut report };
        let outcome = match plan.unsupported {
            Some(_) => {
                run.report_unsupported();
                Ok(())
            }
            None => run.scenario().await,
        };
        run.stop().await.and(outcome)?;
    }
    Ok(report)
}

/// A scenario that was understood.
struct Plan<'a> {
    scenario: &'a Scenario,
    unsupported: Option<String>,
    expect: Vec<Question<'a>>,
    controls: Vec<(&'a Control, Action)>,
    steps: Vec<PlannedStep<'a>>,
}

struct PlannedStep<'a> {
    step: &'a Step,
    action: Action,
    expect: Vec<Question<'a>>,
    routes_left: Option<Vec<String>>,
}

impl<'a> Plan<'a> {
    fn read(scenario: &'a Scenario, defaults: &Defaults) -> Result<Self, CheckError> {
        Self::try_read(scenario, scenario.defaults.as_ref().unwrap_or(defaults))
            .map_err(|message| CheckError::Document { scenario: scenario.id.clone(), message })
    }

    fn try_read(scenario: &'a Scenario, defaults: &Defaults) -> Result<Self, String> {
        scenario.control.iter().try_for_each(question::control)?;
        let unsupported = unsupported(scenario);
        if unsupported.is_some() {
            // Names and operations may be such as are not known yet; values are the same for all.
            let all = scenario.expect.iter().chain(scenario.steps.iter().flat_map(|step| &step.expect));
            for expect in all {
                question::values(expect).map_err(|why| format!("{} → {}: {why}", expect.from, expect.to))?;
            }
            return Ok(Self { scenario, unsupported, expect: vec![], controls: vec![], steps: vec![] });
        }
        let control = |control: &'a Control| Ok((control, Action::parse(&control.operation)?));
        let step = |step: &'a Step| {
            Ok(PlannedStep {
                step,
                action: Action::parse(&step.r#do)?,
                expect: questions(scenario, defaults, &step.expect)?,
                routes_left: question::routes_left(step)?,
            })
        };
        Ok(Self {
            scenario,
            unsupported,
            expect: questions(scenario, defaults, &scenario.expect)?,
            controls: scenario.control.iter().map(control).collect::<Result<_, String>>()?,
            steps: scenario.steps.iter().map(step).collect::<Result<_, String>>()?,
        })
    }

    /// How many items there will be.
    fn len(&self) -> usize {
        let steps: usize = self.scenario.steps.iter().map(|step| step.expect.len()).sum();
        self.scenario.expect.len() + self.scenario.control.len() + steps
    }
}

/// One scenario at work.
struct Run<'r, 'a, 'o> {
    stage: &'r dyn Stage,
    plan: &'r Plan<'a>,
    defaults: &'r Defaults,
    options: &'r mut CheckOptions<'o>,
    live: Option<Live<'r>>,
    report: &'r mut Report,
}

impl Run<'_, '_, '_> {
    async fn scenario(&mut self) -> Result<(), CheckError> {
        let plan = self.plan;
        if !self.begin(0).await? {
            return Ok(());
        }
        self.ask(None, &plan.expect).await?;
        let mut touched = false;
        for (index, (control, action)) in plan.controls.iter().enumerate() {
            if touched && !self.begin(plan.expect.len() + index).await? {
                return Ok(());
            }
            touched = self.control(control, action).await?;
        }
        if touched && !plan.steps.is_empty() && !self.begin(plan.expect.len() + plan.controls.len()).await? {
            return Ok(());
        }
        for (index, planned) in plan.steps.iter().enumerate() {
            if !self.step(index + 1, planned).await? {
                break;
            }
        }
        Ok(())
    }

    /// Starts a fresh server and applies the scenario. Where it cannot be applied, all items from the one of index
    /// `from` on are reported as not passed.
    async fn begin(&mut self, from: usize) -> Result<bool, CheckError> {
        self.stop().await?;
        let scenario = self.plan.scenario;
        let defaults = scenario.defaults.as_ref().unwrap_or(self.defaults);
        let place = Place::of(scenario, defaults);
        let failed = |message| CheckError::Start { scenario: scenario.id.clone(), message };
        let staged = self.stage.start(&place).await.map_err(failed)?;
        let live = self.live.insert(Live::new(staged, scenario, defaults));
        let applied = unless(&mut self.options.interrupt, live.apply()).await?;
        if let Err(error) = &applied {
            self.report_all(from, &not_applied(error));
        }
        Ok(applied.is_ok())
    }

    /// Stops the server, if one is there.
    async fn stop(&mut self) -> Result<(), CheckError> {
        let Some(live) = self.live.take() else { return Ok(()) };
        let scenario = self.plan.scenario.id.clone();
        live.stop().await.map_err(|message| CheckError::Stop { scenario, message })
    }

    async fn ask(&mut self, step: Option<usize>, questions: &[Question<'_>]) -> Result<(), CheckError> {
        let Some(live) = &self.live else { return Ok(()) };
        let CheckOptions { measure, on_progress, interrupt } = &mut *self.options;
        let items = &mut self.report.items;
        let mut on_item = |item: Item| {
            on_progress(Progress::Item(&item));
            items.push(item);
        };
        unless(interrupt, ask(live, &self.plan.scenario.id, step, questions, *measure, &mut on_item)).await
    }

    /// Tries a control operation; whether it changed something.
    async fn control(&mut self, control: &Control, action: &Action) -> Result<bool, CheckError> {
        let Some(live) = &mut self.live else { return Ok(false) };
        let performing = live.perform(action, control.operation.by.as_deref());
        let performed = unless(&mut self.options.interrupt, performing).await?;
        let touched = performed.is_ok();
        let got = operation_outcome(performed);
        let said = |expected: &Option<String>, got: &Option<String>| expected.is_none() || expected == got;
        let pass = got.result.as_deref() == Some(control.result.as_str())
            && said(&control.error, &got.error)
            && said(&control.status, &got.status);
        self.report(Item {
            scenario: self.plan.scenario.id.clone(),
            kind: ItemKind::Control,
            step: None,
            subject: operation_subject(&control.operation),
            expected: control_expected(control),
            got,
            pass,
        });
        Ok(touched)
    }

    /// Takes a step; whether the next one can be taken.
    async fn step(&mut self, number: usize, planned: &PlannedStep<'_>) -> Result<bool, CheckError> {
        let Some(live) = &mut self.live else { return Ok(false) };
        let operation = &planned.step.r#do;
        let performing = live.perform(&planned.action, operation.by.as_deref());
        let performed = unless(&mut self.options.interrupt, performing).await?;
        if performed.is_err() {
            let got = operation_outcome(performed);
            let why = format!("step {number} was refused");
            self.report_step(number, operation, None, got);
            let before = self.plan.expect.len() + self.plan.controls.len();
            let asked: usize = self.plan.steps.iter().take(number - 1).map(|planned| planned.expect.len()).sum();
            self.report_all(before + asked, &Outcome { error: Some(why), ..Outcome::default() });
            return Ok(false);
        }
        if let Some(expected) = &planned.routes_left {
            let left = unless(&mut self.options.interrupt, live.custom_routes()).await?;
            let got = match left {
                Ok(left) => {
                    Outcome { result: Some(ACCEPTED.to_owned()), routes_left: Some(left), ..Outcome::default() }
                }
                Err(error) => operation_outcome(Err(error)),
            };
            let differs = got.routes_left.as_ref() != Some(expected);
            // Where all is well the items of the step speak for it.
            if differs || planned.expect.is_empty() {
                self.report_step(number, operation, Some(expected.clone()), got);
            }
        }
        self.ask(Some(number), &planned.expect).await?;
        Ok(true)
    }

    fn report_step(&mut self, number: usize, operation: &Operation, left: Option<Vec<String>>, got: Outcome) {
        let expected = Outcome { result: Some(ACCEPTED.to_owned()), routes_left: left, ..Outcome::default() };
        let pass = expected == got;
        self.report(Item {
            scenario: self.plan.scenario.id.clone(),
            kind: ItemKind::Step,
            step: Some(number),
            subject: operation_subject(operation),
            expected,
            got,
            pass,
        });
    }

    fn report_unsupported(&mut self) {
        self.report_all(0, &Outcome { unsupported: self.plan.unsupported.clone(), ..Outcome::default() });
    }

    /// Reports all items from the one of index `from` on as not passed.
    fn report_all(&mut self, from: usize, got: &Outcome) {
        let scenario = self.plan.scenario;
        let expects = |step, expects: &[crate::document::Expect]| -> Vec<Item> {
            expects.iter().map(|expect| item(&scenario.id, step, expect, got.clone(), false)).collect()
        };
        let mut items = expects(None, &scenario.expect);
        items.extend(scenario.control.iter().map(|control| Item {
            scenario: scenario.id.clone(),
            kind: ItemKind::Control,
            step: None,
            subject: operation_subject(&control.operation),
            expected: control_expected(control),
            got: got.clone(),
            pass: false,
        }));
        for (index, step) in scenario.steps.iter().enumerate() {
            items.extend(expects(Some(index + 1), &step.expect));
        }
        if items.is_empty() {
            // Nothing expected, but it could not even be applied.
            items.push(Item {
                scenario: scenario.id.clone(),
                kind: ItemKind::Step,
                step: None,
                subject: operation_subject(&Operation { op: "apply".to_owned(), ..Operation::default() }),
                expected: Outcome { result: Some(ACCEPTED.to_owned()), ..Outcome::default() },
                got: got.clone(),
                pass: false,
            });
        }
        items.into_iter().skip(from).for_each(|item| self.report(item));
    }

    fn report(&mut self, item: Item) {
        (self.options.on_progress)(Progress::Item(&item));
        self.report.items.push(item);
    }
}

/// Does `work` unless the interrupt comes first.
async fn unless<T>(interrupt: &mut BoxFuture<'_, ()>, work: impl Future<Output = T>) -> Result<T, CheckError> {
    tokio::select! {
        biased;
        () = interrupt => Err(CheckError::Interrupted),
        done = work => Ok(done),
    }
}

fn operation_subject(operation: &Operation) -> Subject {
    Subject::Operation { op: operation.op.clone(), by: operation.by.clone(), parameters: operation.fields.clone() }
}

fn control_expected(control: &Control) -> Outcome {
    Outcome {
        result: Some(control.result.clone()),
        error: control.error.clone(),
        status: control.status.clone(),
        ..Outcome::default()
    }
}

fn operation_outcome(performed: Result<Option<String>, Refusal>) -> Outcome {
    match performed {
        Ok(status) => Outcome { result: Some(ACCEPTED.to_owned()), status, ..Outcome::default() },
        Err(Refusal::Api(error)) => match error.cause().or(error.code()) {
            Some(code) => Outcome {
                result: Some(REFUSED.to_owned()),
                error: Some(code.to_owned()),
                message: Some(error.to_string()),
                ..Outcome::default()
            },
            // No answer is no refusal.
            None => Outcome { error: Some(error.to_string()), ..Outcome::default() },
        },
        Err(Refusal::Unknown(op)) => {
            Outcome { unsupported: Some(format!("the operation `{op}`")), ..Outcome::default() }
        }
        Err(error) => Outcome { error: Some(error.to_string()), ..Outcome::default() },
    }
}

/// What there is of a scenario that could not be applied.
fn not_applied(error: &ApplyError) -> Outcome {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    match error {
        ApplyError::Api { source, .. } if source.cause() == Some("next_hop_type_not_supported") => {
            Outcome { unsupported: Some("a next hop type that is not there yet".to_owned()), ..Outcome::default() }
        }
        ApplyError::Unsupported(what) => Outcome { unsupported: Some(what.clone()), ..Outcome::default() },
        _ => Outcome { error: Some(format!("the scenario could not be applied: {text}")), ..Outcome::default() },
    }
}
