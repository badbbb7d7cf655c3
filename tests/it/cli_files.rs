//! Broken input on the command line: the run ends with exit code 3 and a line that names the file, and no old file is
//! lost.

use crate::program::{Folder, TINY, arrays, doubles, npz, trained};
use std::fs;

/// Files that are not simulation sets, and the words that the error must have.
fn broken_sets() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let with = |name: &str, bytes: Vec<u8>| {
        let mut set = arrays(20);
        let array = set.iter_mut().find(|(n, _)| *n == name).expect("an array of the set");
        array.1 = bytes;
        npz(&set)
    };
    let whole = npz(&arrays(20));
    let header = |text: &str| {
        let mut bytes = b"\x93NUMPY\x01\0".to_vec();
        bytes.extend(((text.len() + 1) as u16).to_le_bytes());
        bytes.extend(text.bytes().chain(*b"\n"));
        bytes
    };
    let object = header("{'descr': '|O', 'fortran_order': False, 'shape': (20, 5), }");
    let huge = header("{'descr': '<f8', 'fortran_order': False, 'shape': (53687091, 5), }");
    let long = [b"\x93NUMPY\x02\0".to_vec(), 0x7fff_ffff_u32.to_le_bytes().to_vec(), vec![b' '; 64]].concat();
    let without_x: Vec<_> = arrays(20).into_iter().filter(|(name, _)| *name != "x").collect();
    let nan = doubles(&[20, 5], &[f64::NAN; 100]);
    let dead: Vec<f64> = (0..100).map(|i| if i % 5 == 4 { f64::NAN } else { f64::from(i) }).collect();
    vec![
        ("truncated.npz", whole[..whole.len() / 2].to_vec(), &["truncated.npz"]),
        ("object.npz", with("x", object), &["object.npz", "'x'", "|O"]),
        ("shape.npz", with("x", doubles(&[19, 5], &[0.0; 95])), &["shape.npz", "'x'", "(19, 5)", "20 rows"]),
        ("cube.npz", with("x", doubles(&[20, 5, 1], &[0.0; 100])), &["cube.npz", "'x'", "(20, 5, 1)"]),
        ("missing.npz", npz(&without_x), &["missing.npz", "no array for x", "theta (20, 2)"]),
        ("nan.npz", with("x", nan), &["nan.npz", "x"]),
        (
            "dead.npz",
            with("x", doubles(&[20, 5], &dead)),
            &["dead.npz", "none of its 20 rows", "in each of them at point 4", "Mask such a point, or leave it out"],
        ),
        ("empty.npz", vec![], &["empty.npz", "empty"]),
        ("huge.npz", with("x", huge), &["huge.npz", "'x'", "2147483640 bytes"]),
        ("long.npz", with("x", long), &["long.npz", "'x'", "2147483647 bytes"]),
        ("words.csv", b"theta_1,x_1\n1,two\n".to_vec(), &["words.csv", "line 2", "two"]),
    ]
}

#[test]
fn a_broken_set_is_named_before_the_old_model_is_touched() {
    let folder = trained();
    let model = fs::read(folder.path("model.safetensors")).unwrap();
    for (name, bytes, words) in broken_sets() {
        folder.write(name, bytes);
        folder.run(&format!("train {name} -o model.safetensors --force {TINY}")).refuses(3, words);
        folder.run(&format!("info {name}")).refuses(3, words);
    }
    folder.run("train nowhere.npz -o model.safetensors --force").refuses(3, &["nowhere.npz", "no such file"]);
    assert_eq!(fs::read(folder.path("model.safetensors")).unwrap(), model);
}

#[test]
fn a_broken_model_is_named() {
    let folder = trained();
    let model = fs::read(folder.path("model.safetensors")).unwrap();
    // One tensor of another program: the length of the header, the header, the values.
    let header = r#"{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let foreign = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
    let claim = [&(2_u64 << 30).to_le_bytes()[..], b"{}"].concat();
    for (name, bytes, words) in [
        ("foreign.safetensors", foreign, &["foreign.safetensors", "not a Flowglass model", "weight"][..]),
        ("half.safetensors", model[..model.len() / 2].to_vec(), &["half.safetensors"]),
        ("claim.safetensors", claim, &["claim.safetensors"]),
        ("empty.safetensors", vec![], &["empty.safetensors"]),
    ] {
        folder.write(name, bytes);
        folder.run(&format!("sample {name} observation.csv -o d.npy")).refuses(3, words);
        folder.run(&format!("info {name}")).refuses(3, words);
    }
    folder.run("sample sims.npz observation.csv").refuses(3, &["sims.npz: this is a simulation set", ".safetensors"]);
    folder.run("sample observation.csv sims.npz").refuses(3, &["observation.csv: this is an observation"]);
    assert!(!folder.path("d.npy").exists());
}

#[test]
fn a_broken_observation_is_named() {
    let folder = trained();
    let xs = "x_1,x_2,x_3,x_4,x_5";
    for (name, text, words) in [
        ("short.csv", "x_1,sigma_1\n1,0.5\n".to_string(), &["short.csv", "1 point:", "expects 5"][..]),
        ("bare.csv", format!("{xs}\n1,2,3,4,5\n"), &["bare.csv", "'sigma'", "third column", "sigma_1"]),
        ("nan.csv", "1 nan 0.5\n".repeat(5), &["nan.csv", "'values'", "NaN"]),
        ("words.txt", "1 2 3\n4 5 six\n".into(), &["words.txt", "line 2", "six"]),
        ("empty.txt", String::new(), &["empty.txt", "empty"]),
    ] {
        folder.write(name, text);
        folder.run(&format!("sample model.safetensors {name} -o d.npy")).refuses(3, words);
    }
    assert!(!folder.path("d.npy").exists());
}

#[test]
fn a_point_that_no_observation_has_is_named() {
    let folder = trained();
    let x: Vec<f64> = (0..10).map(|i| if i % 5 == 2 { f64::NAN } else { 0.1 }).collect();
    folder.write("dead.npz", npz(&[("x", doubles(&[2, 5], &x)), ("sigma", doubles(&[], &[0.5]))]));
    let words = ["dead.npz: 2 of 2 rows cannot be used", "in each of them at point 2 (counted from 0)"];
    folder.run("sample model.safetensors dead.npz").refuses(3, &words);
}

#[test]
fn broken_parameters_are_named() {
    let folder = trained();
    for (name, text, words) in [
        ("three.csv", "1,2,3\n", &["three.csv", "3 columns", "theta_1, theta_2"][..]),
        ("nan.csv", "theta_1,theta_2\n1,nan\n", &["nan.csv", "'theta'", "row 0"]),
        ("none.csv", "theta_1,theta_2\n", &["none.csv", "no row"]),
    ] {
        folder.write(name, text);
        folder.run(&format!("log-prob model.safetensors observation.csv {name} --quiet")).refuses(3, words);
    }
}

#[test]
fn rows_that_are_not_finite_are_reported() {
    let folder = Folder::new();
    let mut set = arrays(100);
    let x: Vec<f64> = (0..500).map(|i| if i % 250 == 3 { f64::NAN } else { f64::from(i % 11) }).collect();
    set[1].1 = doubles(&[100, 5], &x);
    folder.write("sims.npz", npz(&set));
    let ran = folder.run(&format!("train sims.npz -o m.safetensors {TINY}")).succeeds();
    assert!(ran.err.contains("98 simulations") && ran.err.contains("2 of 100 rows"), "{}", ran.err);
    let info = folder.run("info sims.npz").succeeds().out;
    assert!(info.contains("2 of 100 rows"), "{info}");
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_training() {
    let folder = trained();
    let ran = folder.run("train sims.npz -o no/where.safetensors --num-epochs 1000000");
    ran.refuses(3, &["no/where.safetensors", "cannot be written", "folder"]);
    folder.run("sample model.safetensors observation.csv -o no/d.npy").refuses(3, &["no/d.npy", "cannot be written"]);
    fs::create_dir(folder.path("folder.npy")).unwrap();
    folder.run("sample model.safetensors observation.csv -o folder.npy").refuses(3, &["folder.npy", "is a folder"]);
}

#[test]
fn an_observation_in_other_units_is_warned_of() {
    let folder = Folder::new();
    folder.write("demo.safetensors", include_bytes!("../../www/models/demo.safetensors"));
    let spectrum = |unit: f64| {
        let line = |i: i32| format!("{} {} {}\n", 0.5 + 5.0 * f64::from(i) / 299.0, 0.0188 * unit, 1e-4 * unit);
        (0..300).map(line).collect::<String>()
    };
    folder.write("percent.txt", spectrum(100.0));
    folder.write("right.txt", spectrum(1.0));
    for command in ["sample", "encode", "log-prob", "importance"] {
        let (theta, more) = match command {
            "log-prob" => ("theta.csv", ""),
            "importance" => ("", "--simulator transit -n 20"),
            "sample" => ("", "-n 20"),
            _ => ("", ""),
        };
        folder.write("theta.csv", "1000,-4,-4,-4,-4,0,1\n");
        let run = |file: &str, quiet: &str| {
            folder
                .run(&format!("{command} {quiet} demo.safetensors {file} {theta} {more} --interpolate"))
                .succeeds()
                .err
        };
        let said = run("percent.txt", "");
        assert!(
            said.contains("warning: percent.txt: 233 of 233 values of the spectrum, 233 of 233 uncertainties"),
            "{said}"
        );
        assert!(!run("right.txt", "").contains("are the units the same"), "{command}");
        assert!(!run("percent.txt", "--quiet").contains("warning"), "{command}");
    }
}

#[test]
fn a_spectrum_on_another_grid_needs_interpolation() {
    let folder = Folder::new();
    folder.write("demo.safetensors", include_bytes!("../../www/models/demo.safetensors"));
    let spectrum = |last: f64| {
        let point = |i: i32| 0.5 + (last - 0.5) * f64::from(i) / 149.0;
        (0..150).map(|i| format!("{} {} 1e-4\n", point(i), 0.02 + 1e-4 * point(i))).collect::<String>()
    };
    folder.write("other.txt", spectrum(5.5));
    folder.write("short.txt", spectrum(4.5));
    let plain = folder.run("sample demo.safetensors other.txt -n 50 -o -");
    plain.refuses(3, &["other.txt", "150 points", "233 points from 0.6 to 5.2"]);
    let draws = folder.run("sample demo.safetensors other.txt -n 50 -o - --interpolate").succeeds();
    assert_eq!(draws.out.lines().count(), 51);
    folder
        .run("sample demo.safetensors short.txt --interpolate")
        .refuses(3, &["short.txt", "from 0.5 to 4.5", "0.6 to 5.2"]);
    folder.run("importance demo.safetensors other.txt --simulator transit -n 50 --interpolate").succeeds();
    let trained = trained();
    trained
        .run("sample model.safetensors observation.csv --interpolate")
        .refuses(2, &["interpolate", "without a wavelength"]);
}
