//! Checkpoints: a run as bytes, to resume later or elsewhere. A checkpoint is one `.safetensors` file. It holds
//! weights, moments and best weights; its header holds the options, the fingerprint of the set and the counters.

use super::member::MEMBER_BUFFERS;
use super::state::RunState;
use crate::data::SimulationSet;
use crate::error::{Error, Result, counted};
use crate::kernels::{cat, from_values};
use crate::options::Config;
use crate::posterior::{Metadata, Origin, read};
use crate::trainer::Trainer;
use burn::tensor::{Device, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// The key of the header's metadata.
const KEY: &str = "flowglass_checkpoint";
/// Version of the format. A reader takes its own version only, because a run must be resumed by the program that began
/// it.
const VERSION: u32 = 3;
/// The name of the tensor, (rows, P). Its rows: the buffers of the member that trains, then the kept weights of each
/// member that is done.
const BUFFERS: &str = "buffers";

/// Everything but the buffers.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: u32,
    config: Config,
    /// See [`SimulationSet::fingerprint`](crate::data::SimulationSet::fingerprint).
    fingerprint: String,
    optimizer_steps: i32,
    state: RunState,
}

/// A run between two steps.
pub(super) struct Checkpoint {
    /// The options of the run.
    pub config: Config,
    /// The fingerprint of the set.
    pub fingerprint: String,
    /// Steps of the optimizer, which its bias correction depends on.
    pub optimizer_steps: i32,
    /// The counters and the history.
    pub state: RunState,
    /// The buffers of the member that trains, then the kept weights of each member that is done, (P) each.
    pub buffers: Vec<Tensor<1>>,
}

impl Checkpoint {
    /// The bytes of the file. Reads the device once.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub(super) async fn write(self) -> Result<Vec<u8>> {
        let shape = vec![self.buffers.len(), self.buffers[0].dims()[0]];
        let values = read(cat(self.buffers, 0)).await?;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let Self { config, fingerprint, optimizer_steps, state, .. } = self;
        let header = Header { version: VERSION, config, fingerprint, optimizer_steps, state };
        let cannot = |e: &dyn std::fmt::Display| Error::Model(format!("cannot write the checkpoint: {e}"));
        let header = serde_json::to_string(&header).map_err(|e| cannot(&e))?;
        let view = TensorView::new(Dtype::F32, shape, &bytes).map_err(|e| cannot(&e))?;
        safetensors::serialize([(BUFFERS, view)], Some(HashMap::from([(KEY.to_string(), header)])))
            .map_err(|e| cannot(&e))
    }

    /// Reads a checkpoint from the bytes of `file`.
    ///
    /// # Errors
    /// [`Error::File`] saying what is wrong with the bytes.
    pub(super) fn read(file: &str, bytes: &[u8], device: &Device) -> Result<Self> {
        let refuse = |message: String| Error::file(file, message);
        let damaged = |e: &dyn std::fmt::Display| refuse(format!("a damaged checkpoint: {e}"));
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(&e))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| damaged(&e))?;
        let text = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
        let text = text.ok_or_else(|| refuse("a .safetensors file, but not a checkpoint of a training run".into()))?;
        let header: Value = serde_json::from_str(text).map_err(|e| damaged(&e))?;
        let version = header["version"].as_u64();
        if version != Some(u64::from(VERSION)) {
            let came = version.map_or("none".into(), |v| v.to_string());
            return Err(refuse(format!("a checkpoint of format {came}: expected {VERSION}")));
        }
        // From the parsed value, as a model's header is read: reading it from text too would double the code for it.
        let header: Header = serde_json::from_value(header).map_err(|e| damaged(&e))?;
        let view = tensors.tensor(BUFFERS).map_err(|e| damaged(&e))?;
        let (&[rows, p], Dtype::F32) = (view.shape(), view.dtype()) else {
            return Err(damaged(&format!("'{BUFFERS}' is {:?} of shape {:?}", view.dtype(), view.shape())));
        };
        if rows < MEMBER_BUFFERS || p == 0 {
            return Err(damaged(&format!(
                "'{BUFFERS}' has shape ({rows}, {p}): expected at least {MEMBER_BUFFERS} rows of weights"
            )));
        }
        let values: Vec<f32> =
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        if values.iter().any(|v| !v.is_finite()) {
            return Err(damaged(&"it holds numbers that are not finite"));
        }
        let row = |own: &[f32]| from_values(own.to_vec(), [p], device);
        let buffers = values.chunks_exact(p).map(row).collect();
        let Header { config, fingerprint, optimizer_steps, state, .. } = header;
        Ok(Self { config, fingerprint, optimizer_steps, state, buffers })
    }

    /// Makes sure that this is a checkpoint of a run of `config` on the set with `fingerprint`, whose members have `p`
    /// weights each.
    ///
    /// # Errors
    /// [`Error::File`] naming what differs.
    pub(super) fn check(self, file: &str, config: &Config, fingerprint: &str, p: usize) -> Result<Self> {
        let refuse = |message: String| Error::file(file, message);
        if let Some((name, there, here)) = self.config.differs_in_training(config) {
            let message = format!("a checkpoint of a run with {name} = {there}, but now {name} = {here}");
            return Err(refuse(format!("{message}: resume with the same options, or train anew")));
        }
        if self.fingerprint != fingerprint {
            return Err(refuse("a checkpoint of a run on another simulation set: resume with the same set".into()));
        }
        let (members, came) = (self.buffers.len() - MEMBER_BUFFERS, self.buffers[0].dims()[0]);
        if came != p || members + usize::from(self.state.ended.is_none()) > config.ensemble_size {
            let came = format!("{} done, {} each", counted(members, "member"), counted(came, "weight"));
            return Err(refuse(format!("a damaged checkpoint: {came}: expected {} each", counted(p, "weight"))));
        }
        Ok(self)
    }
}

impl Trainer {
    /// Resumes the run saved in `file` by [`checkpoint`](Self::checkpoint). On the same kind of device, with as many
    /// threads, it ends with exactly the weights of a run that was never interrupted.
    ///
    /// # Errors
    /// [`Error::File`] if the file is not a checkpoint, or is one of another set or of other options; the errors of
    /// [`new`](Self::new).
    pub fn resume(set: &SimulationSet, config: &Config, file: &str, bytes: &[u8], device: &Device) -> Result<Self> {
        Self::new(set, config, device)?.resumed(file, bytes)
    }

    /// Puts this trainer, which has made no step yet, where the run saved in `file` was. It serves a run
    /// [with a likelihood](Self::with_likelihood), because a checkpoint cannot hold a likelihood.
    ///
    /// # Errors
    /// [`Error::File`] if the file is not a checkpoint, or is one of another set or of other options.
    pub fn resumed(self, file: &str, bytes: &[u8]) -> Result<Self> {
        let mut trainer = self;
        let weights = trainer.member.optimizer.weights().dims()[0];
        let checkpoint = Checkpoint::read(file, bytes, trainer.posterior.device())?;
        let Metadata { config, dataset, .. } = trainer.posterior.metadata();
        let Checkpoint { mut buffers, optimizer_steps, state, .. } =
            checkpoint.check(file, config, &dataset.fingerprint, weights)?;
        // The members that have not begun start from the model, and the split of the rows depends on it.
        let [came, own] = [&state, &trainer.state].map(|state| state.record.from.last());
        if came.map(|model| &model.hash) != own.map(|model| &model.hash) {
            let name =
                |model: Option<&Origin>| model.map_or("initial weights".into(), |m| format!("model {}", m.model));
            let (came, own) = (name(came), name(own));
            let message = format!("a checkpoint of a run that started from {came}, but now from {own}");
            return Err(Error::file(file, format!("{message}: resume from the same weights, or train anew")));
        }
        trainer.finished = buffers.split_off(MEMBER_BUFFERS);
        let buffers = buffers.try_into().expect("`read` makes sure of them");
        trainer.member = trainer.member.resumed(buffers, optimizer_steps);
        trainer.state = state;
        Ok(trainer)
    }

    /// The run as bytes, to [`resume`](Self::resume) later or on another device. Reads the device once.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails; [`Error::State`] if steps have not been reported yet, which happens only
    /// after [`run`](Self::run) failed.
    pub async fn checkpoint(&self) -> Result<Vec<u8>> {
        if self.recent_steps > 0 {
            return Err(Error::State(
                "the last steps of training were not reported yet, so they cannot be kept".into(),
            ));
        }
        let buffers = self.member.buffers().into_iter().chain(&self.finished);
        let metadata = self.posterior.metadata();
        let checkpoint = Checkpoint {
            config: metadata.config.clone(),
            fingerprint: metadata.dataset.fingerprint.clone(),
            optimizer_steps: self.member.optimizer.steps(),
            state: self.state.clone(),
            buffers: buffers.cloned().collect(),
        };
        checkpoint.write().await
    }
}
