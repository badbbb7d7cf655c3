//! The program as tests run it: a folder, a command line in it, what comes out, and files to run it on.

use crate::problems::LinearGaussian;
use flowglass::data::Uncertainty;
use npyz::WriterBuilder;
use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Options for networks that train in less than a second.
pub(crate) const TINY: &str = "--num-epochs 2 --hidden-dim 16 --embedding-dim 16 --spectrum-embedding-dim 8 \
                        --num-coupling-layers 2 --spectrum-encoder-type mlp";

/// A folder of its own for a test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), bytes).expect("a temporary file");
        self.path(name)
    }

    /// Runs the program in this folder, with the words of a line as arguments.
    pub(crate) fn run(&self, line: &str) -> Ran {
        let output = command(self, line).output().expect("the program starts");
        Ran::new(line, output)
    }
}

/// The program in a folder, with the words of a line as arguments.
pub(crate) fn command(folder: &Folder, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowglass"));
    command.args(line.split_whitespace()).current_dir(folder.0.path());
    command
}

/// What a run of the program gave.
pub(crate) struct Ran {
    line: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub(crate) fn new(line: &str, output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (code, out, err) = (output.status.code(), text(&output.stdout), text(&output.stderr));
        Self { line: line.into(), code, out, err }
    }

    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{}: {}", self.line, self.err);
        self
    }

    /// The run ended with exit code `code`. Stderr has one line, which holds all of `words`; stdout is empty.
    pub(crate) fn refuses(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}: {}", self.line, self.err);
        assert!(self.err.starts_with("error[") && self.err.trim_end().lines().count() == 1, "{}", self.err);
        assert!(words.iter().all(|w| self.err.contains(w)), "{}: expected {words:?} in {}", self.line, self.err);
        assert_eq!(self.out, "", "{}", self.line);
    }
}

/// A float64 array as NumPy writes it.
pub(crate) fn doubles(shape: &[u64], values: &[f64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer =
        npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().expect("a header");
    writer.extend(values.iter().copied()).expect("values");
    writer.finish().expect("as many values as the shape says");
    bytes
}

/// An archive of arrays.
pub(crate) fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).expect("an entry");
        zip.write_all(bytes).expect("its bytes");
    }
    zip.finish().expect("an archive").into_inner()
}

/// The linear-Gaussian problem as the arrays of a file.
pub(crate) fn arrays(n: usize) -> Vec<(&'static str, Vec<u8>)> {
    let set = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(n, 1);
    let x: Vec<f64> = set.spectra().values.values().iter().map(|&v| f64::from(v)).collect();
    let Some(Uncertainty::Scalar(sigma)) = set.spectra().sigma else { panic!("the problem has one sigma") };
    vec![
        ("theta", doubles(&[n as u64, 2], set.theta.values())),
        ("x", doubles(&[n as u64, 5], &x)),
        ("sigma", doubles(&[], &[f64::from(sigma)])),
        ("prior_low", doubles(&[2], &[-4.0; 2])),
        ("prior_high", doubles(&[2], &[4.0; 2])),
    ]
}

/// An observation of that problem as a file of text.
pub(crate) const OBSERVATION: &str = "x_1,x_2,x_3,x_4,x_5,sigma_1,sigma_2,sigma_3,sigma_4,sigma_5\n\
                               1,0.3,0.6,-0.7,-1.2,0.5,0.5,0.5,0.5,0.5\n";

/// A folder with a model that was trained on `sims.npz`, and `observation.csv`.
pub(crate) fn trained() -> Folder {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    let folder = Folder::new();
    folder.write("observation.csv", OBSERVATION);
    folder.write("sims.npz", npz(&arrays(400)));
    let model = MODEL.get_or_init(|| {
        folder.run(&format!("train sims.npz -o model.safetensors {TINY}")).succeeds();
        fs::read(folder.path("model.safetensors")).expect("a model was written")
    });
    folder.write("model.safetensors", model);
    folder
}
