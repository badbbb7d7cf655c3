//! Sets that are larger than the memory that they may take. They are read and trained on like sets in memory, and they
//! are really not in memory.

use crate::program::{Folder, TINY, arrays, npz};
use burn::tensor::Device;
use flowglass::data::SimulationSet;
use flowglass::error::Result;
use flowglass::files::Source;
use flowglass::numbers::{Budget, MappedFile};
use flowglass::options::{Config, TrainingObjective};
use flowglass::reading::write_npz;
use flowglass::reading::{Assignment, read_set, read_set_within};
use flowglass::simulators::simulate;
use flowglass::space::SpaceKind;
use flowglass::storage;
use flowglass::trainer::Trainer;
use pollster::block_on;
use std::fs;
use std::io::{Cursor, Write};

/// Reads a set with everything in scratch files.
fn in_scratch(file: &str, source: Source) -> Result<SimulationSet> {
    let mut nothing = Budget::new(0, std::env::temp_dir());
    read_set_within(file, source, &Assignment::default(), &mut nothing).map(|read| read.set)
}

/// Asserts that a file gives the same set, or the same error, in memory and in scratch files, and from bytes in memory
/// and on disk.
fn same_in_scratch(file: &str, bytes: &[u8]) {
    let memory = read_set(file, bytes, &Assignment::default()).map(|read| read.set);
    let folder = Folder::new();
    let mapped = MappedFile::open(&folder.write("set", bytes)).expect("a file");
    for source in [Source::Bytes(bytes), Source::Mapped(&mapped)] {
        let scratch = in_scratch(file, source);
        assert_eq!(scratch, memory, "{file}");
        if let (Ok(scratch), Ok(memory)) = (scratch, &memory) {
            let [[all, none], in_scratch] = [memory.bytes(), scratch.bytes()];
            assert!(all > 0 && none == 0 && in_scratch == [0, all], "{file}: {in_scratch:?} of {all}");
        }
    }
}

/// An `.npy` of ascending numbers, with a NaN in the last row if the type has one.
fn npy(descr: &str, fortran: bool, [rows, columns]: [usize; 2]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({rows}, {columns}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    let places: Vec<(usize, usize)> = match fortran {
        true => (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))).collect(),
        false => (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).collect(),
    };
    for (i, j) in places {
        let value = if i == rows - 1 { f64::NAN } else { (i * columns + j) as f64 / 4.0 };
        match descr {
            "<f8" => bytes.extend(value.to_le_bytes()),
            ">f8" => bytes.extend(value.to_be_bytes()),
            "<f4" => bytes.extend((value as f32).to_le_bytes()),
            ">f4" => bytes.extend((value as f32).to_be_bytes()),
            "<i2" => bytes.extend((value as i16).to_le_bytes()),
            "|b1" => bytes.push(u8::from(j == i % columns)),
            _ => panic!("{descr}"),
        }
    }
    bytes
}

fn archive(members: &[(&str, Vec<u8>)], method: zip::CompressionMethod) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        zip.start_file(format!("{name}.npy"), options).expect("an entry");
        zip.write_all(bytes).expect("its bytes");
    }
    zip.finish().expect("an archive").into_inner()
}

#[test]
fn archives_of_every_order_and_type_are_the_same_in_scratch_files() {
    use zip::CompressionMethod::{Deflated, Stored};
    for method in [Stored, Deflated] {
        for fortran in [false, true] {
            for descr in ["<f8", ">f8", "<f4", ">f4", "<i2"] {
                let members = [
                    ("theta", npy(">f8", fortran, [9, 2])),
                    ("x", npy(descr, fortran, [9, 5])),
                    ("sigma", npy("<f4", !fortran, [9, 5])),
                    ("mask", npy("|b1", fortran, [9, 5])),
                    ("photometry", npy(descr, fortran, [9, 3])),
                    ("photometry_sigma", npy("<f8", fortran, [9, 3])),
                    ("wavelengths", npy("<f4", false, [2, 5])[..].into()),
                ];
                same_in_scratch("set.npz", &archive(&members[..6], method));
                // A grid has one dimension, so two dimensions are an error with both.
                same_in_scratch("set.npz", &archive(&members, method));
            }
        }
    }
}

#[test]
fn text_is_the_same_in_scratch_files() {
    let csv = "# by hand\ntheta_1,x_1,x_2,sigma_1,sigma_2\n1,2,3,4,5\n\n6,nan,8,9,1\n# between\n7,8,9,1,2\n";
    same_in_scratch("set.csv", csv.as_bytes());
    same_in_scratch("set.csv", b"theta_1,x_1\n1,2\n3\n");
}

#[test]
fn safetensors_are_the_same_in_scratch_files() {
    let floats = |n: usize| (0..n).flat_map(|i| (i as f32 / 2.0).to_le_bytes()).collect::<Vec<u8>>();
    let (theta, x, mask) = (floats(8), floats(12), vec![0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    let view =
        |dtype, shape: &[usize], bytes| safetensors::tensor::TensorView::new(dtype, shape.into(), bytes).unwrap();
    let views = [
        ("theta", view(safetensors::Dtype::F32, &[4, 2], &theta)),
        ("x", view(safetensors::Dtype::F32, &[4, 3], &x)),
        ("mask", view(safetensors::Dtype::U8, &[4, 3], &mask)),
    ];
    same_in_scratch("set.safetensors", &safetensors::serialize(views, None).unwrap());
}

#[test]
fn hdf5_is_the_same_in_scratch_files() {
    let mut read = 0;
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/hdf5")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "h5") {
            same_in_scratch(&path.to_string_lossy(), &fs::read(&path).unwrap());
            read += 1;
        }
    }
    assert!(read > 10, "{read} HDF5 files");
}

#[test]
fn damage_in_the_middle_of_an_array_is_named_in_scratch_files_too() {
    let mut bytes = npz(&arrays(500));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    let message = in_scratch("set.npz", Source::Bytes(&bytes)).unwrap_err().to_string();
    assert!(message.contains("array 'x'"), "{message}");
    same_in_scratch("set.npz", &bytes);
}

/// The weights and all metadata after training.
fn trained(set: &SimulationSet, config: &Config) -> Vec<u8> {
    let mut trainer = Trainer::new(set, config, &Device::flex()).unwrap();
    while !trainer.is_done() {
        block_on(trainer.run(1000)).unwrap();
    }
    block_on(storage::save(&block_on(trainer.finish()).unwrap())).unwrap()
}

#[test]
fn training_from_scratch_files_gives_the_weights_of_training_in_memory() {
    let small = Config {
        num_epochs: 2,
        hidden_dim: 16,
        embedding_dim: 8,
        spectrum_embedding_dim: 8,
        num_coupling_layers: 2,
        ..Config::default()
    };
    let noisy = Config {
        preprocessing: flowglass::data::preprocessing::PreprocessingKind::PerSample,
        embedding_noise_std: 1.0,
        embedding_noise_min_scale: 0.5,
        aux_scale_loss_weight: 0.1,
        ..small.clone()
    };
    let elbo = Config {
        training_objective: TrainingObjective::Elbo,
        likelihood: Some("transit".into()),
        parameter_space: SpaceKind::Cube,
        ..small.clone()
    };
    let bytes = write_npz(&simulate("transit", 200, 3).unwrap());
    let memory = read_set("set.npz", &bytes, &Assignment::default()).unwrap().set;
    let scratch = in_scratch("set.npz", Source::Bytes(&bytes)).unwrap();
    for config in [small, noisy, elbo] {
        assert!(trained(&memory, &config) == trained(&scratch, &config), "{config:?}");
    }
}

#[test]
fn a_limit_or_a_folder_that_cannot_work_is_refused() {
    let folder = Folder::new();
    folder.write("sims.npz", npz(&arrays(50)));
    folder.run("info sims.npz --memory-limit -1").refuses(2, &["memory_limit = -1", "0 or more"]);
    folder.run("info sims.npz --scratch nowhere").refuses(2, &["scratch = nowhere", "a folder"]);
}

#[test]
fn no_scratch_file_is_left() {
    let folder = Folder::new();
    folder.write("sims.npz", npz(&arrays(50)));
    let ran = folder.run(&format!("train sims.npz -o m.safetensors --memory-limit 0 --scratch . {TINY}")).succeeds();
    assert!(ran.err.contains("kept in scratch files in ."), "{}", ran.err);
    let left: Vec<_> = fs::read_dir(folder.path(".")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the set and the model: {left:?}");
}

/// The most memory of its own, in MiB, that the program held while it trained with these arguments; pages of files
/// do not count, since the system can drop them.
#[cfg(target_os = "linux")]
fn peak_of_training(folder: &Folder, arguments: &str) -> u64 {
    use std::process::{Command, Stdio};
    let line = format!("train large.safetensors -o m.safetensors --force --scratch . {arguments}");
    let mut child = Command::new(env!("CARGO_BIN_EXE_flowglass"))
        .args(line.split_whitespace())
        .current_dir(folder.path("."))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    let code = loop {
        if let Some(code) = child.try_wait().expect("the program's end") {
            break code;
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB"));
        peak = peak.max(line.map_or(0, |kib| kib.parse::<u64>().expect("a number") >> 10));
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    let ended = child.wait_with_output().expect("what it said");
    assert!(code.success(), "{line}: {}", String::from_utf8_lossy(&ended.stderr));
    peak
}

#[cfg(target_os = "linux")]
#[test]
fn memory_stays_below_the_size_of_a_set_that_may_not_be_in_it() {
    let (n, w) = (100_000, 500);
    let folder = Folder::new();
    let header = format!(
        r#"{{"theta":{{"dtype":"F32","shape":[{n},1],"data_offsets":[0,{0}]}},"x":{{"dtype":"F32","shape":[{n},{w}],"data_offsets":[{0},{1}]}}}}"#,
        4 * n,
        4 * n * (w + 1)
    );
    let theta = (0..n).flat_map(|i| (i as f32 / n as f32).to_le_bytes());
    let start: Vec<u8> =
        (header.len() as u64).to_le_bytes().into_iter().chain(header.into_bytes()).chain(theta).collect();
    let path = folder.write("large.safetensors", &start);
    // The rest is a hole, which reads as zeros and takes no disk.
    let file = fs::File::options().write(true).open(path).expect("the file");
    file.set_len((start.len() + 4 * n * w) as u64).expect("a longer file");
    let options = TINY.replacen("--num-epochs 2", "--num-epochs 1 --batch-size 4096 --parameter-space physical", 1);
    let [parts, whole] =
        ["0.05", "4"].map(|limit| peak_of_training(&folder, &format!("{options} --memory-limit {limit}")));
    println!("{parts} and {whole} MiB");
    let set = (4 * n * w) >> 20;
    assert!((parts as usize) < set / 2, "{parts} MiB for a set of {set} MiB");
    assert!(whole as usize > set, "the check would not see a set of {set} MiB in {whole} MiB");
}
