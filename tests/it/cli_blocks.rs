//! Photometry on the command line: in sets, beside a spectrum, and alone.

use crate::problems::LinearGaussian;
use crate::program::{Folder, arrays, doubles, npz};

const TINY: &str = "--num-epochs 1 --hidden-dim 8 --embedding-dim 8 --spectrum-embedding-dim 8 --num-coupling-layers 2";
const BANDS: &str = "# by hand\n# filter, low, high, flux, error\nH, 1.5, 1.8, 0.4, 0.1\nK, 2.0, 2.4, 0.7, 0.2\n";

/// `sims.npz` with two bands, which every third simulation lacks if `absent`, and the files of an observation.
fn folder(absent: bool) -> Folder {
    let folder = Folder::new();
    let n = 90;
    let mut set = arrays(n);
    let photometry: Vec<f64> = (0..2 * n)
        .map(|i| if absent && i / 2 % 3 == 0 { f64::NAN } else { (i * 37 % 101) as f64 / 50.0 - 1.0 })
        .collect();
    set.push(("fluxes", doubles(&[n as u64, 2], &photometry)));
    set.push(("photometry_sigma", doubles(&[2], &[0.1, 0.2])));
    set.push(("bands", names(b"HK")));
    folder.write("sims.npz", npz(&set));
    folder.write("spectrum.csv", crate::program::OBSERVATION);
    folder.write("bands.txt", BANDS);
    folder
}

/// Names of one letter as NumPy writes them.
fn names(letters: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|S1', 'fortran_order': False, 'shape': ({},), }}\n", letters.len());
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), letters].concat()
}

#[test]
fn photometry_comes_from_an_assigned_array_or_a_second_file() {
    let folder = folder(true);
    let ran = folder.run(&format!("train sims.npz -o m.safetensors --photometry fluxes {TINY}")).succeeds();
    assert!(
        ran.err.contains("5 data points and 2 bands") && ran.err.contains("no photometry in 30 rows"),
        "{}",
        ran.err
    );
    let info = folder.run("info m.safetensors").succeeds().out;
    assert!(info.contains("photometry: 2 bands (H, K), with uncertainties, may be absent"), "{info}");
    let draws = |more: &str| {
        let line = format!("sample m.safetensors spectrum.csv -n 20 -o - {more}");
        folder.run(&line).succeeds().out
    };
    let (with, without) = (draws("--photometry bands.txt"), draws(""));
    assert_ne!(with, without);
    folder.write("theta.csv", "theta_1,theta_2\n0.5,0.5\n");
    let log_prob =
        |more: &str| folder.run(&format!("log-prob m.safetensors spectrum.csv theta.csv {more}")).succeeds().out;
    assert_ne!(log_prob("--photometry bands.txt"), log_prob(""));
    let line = "sample m.safetensors bands.txt --photometry bands.txt -n 5";
    folder.run(line).refuses(2, &["photometry = bands.txt", "bands.txt has photometry already"]);
}

#[test]
fn wrong_photometry_is_refused_with_its_file() {
    let folder = folder(false);
    folder.run(&format!("train sims.npz -o m.safetensors --photometry fluxes {TINY}")).succeeds();
    let sample = "sample m.safetensors spectrum.csv -n 5";
    folder.run(sample).refuses(3, &["spectrum.csv", "'photometry'", "--photometry FILE"]);
    folder.run("sample m.safetensors bands.txt -n 5").refuses(3, &["bands.txt", "'values': missing"]);
    folder.write("wrong.txt", "J 0.4 0.1\nK 0.7 0.2\n");
    folder.run(&format!("{sample} --photometry wrong.txt")).refuses(3, &["'bands'", "(J, K)", "(H, K)"]);
    folder.write("three.txt", "J 0.4 0.1\nH 0.5 0.1\nK 0.7 0.2\n");
    folder.run(&format!("{sample} --photometry three.txt")).refuses(3, &["3 bands (J, H, K)", "expects 2 (H, K)"]);
    folder.write("broken.txt", "H 0.4 0.1\nK x 0.2\n");
    folder.run(&format!("{sample} --photometry broken.txt")).refuses(3, &["broken.txt", "line 2, column 2"]);
    let ran = folder.run(&format!("train sims.npz -o n.safetensors --photometry nowhere {TINY}"));
    ran.refuses(3, &["no array 'nowhere' to take as photometry"]);
}

#[test]
fn a_set_may_have_photometry_alone() {
    let folder = folder(false);
    let set: Vec<_> = arrays(90).into_iter().filter(|(name, _)| !["x", "sigma"].contains(name)).collect();
    let photometry: Vec<f64> = (0..180).map(|i| f64::from(i * 37 % 101) / 50.0).collect();
    let more = [("photometry", doubles(&[90, 2], &photometry)), ("bands", names(b"HK"))];
    folder.write("alone.npz", npz(&[set, more.to_vec()].concat()));
    let tiny = TINY.replace("--spectrum-embedding-dim 8 ", "");
    folder.run(&format!("train alone.npz -o m.safetensors {tiny}")).succeeds();
    folder.run("sample m.safetensors bands.txt -n 5").succeeds();
    folder.run("sample m.safetensors spectrum.csv -n 5").refuses(3, &["'values'", "photometry alone"]);
    folder
        .run(&format!("train alone.npz -o n.safetensors --quiet {TINY}"))
        .refuses(2, &["spectrum_embedding_dim", "the data have a spectrum"]);
}

#[test]
fn a_csv_of_the_same_numbers_gives_the_same_draws() {
    let folder = folder(false);
    let columns = |prefix: &str, of: &[&str]| of.iter().map(|k| format!("{prefix}{k}")).collect::<Vec<_>>();
    let points = ["1", "2", "3", "4", "5"];
    let data = [columns("x_", &points), columns("sigma_", &points)].concat();
    let bands = [columns("photometry_sigma:", &["K", "H"]), columns("photometry:", &["H", "K"])].concat();
    let set = LinearGaussian { sigma: 0.5, half_width: 4.0 }.simulate(90, 1);
    let mut text = [columns("theta_", &["1", "2"]), data.clone(), bands.clone()].concat().join(",") + "\n";
    for i in 0..90 {
        let values = |k: usize| ((2 * i + k) * 37 % 101) as f64 / 50.0 - 1.0;
        let mut cells: Vec<String> = set.theta.row(i).iter().map(f64::to_string).collect();
        cells.extend(set.spectra().values.row(i).iter().map(f32::to_string));
        cells.extend(["0.5"; 5].map(String::from));
        cells.extend([0.2, 0.1, values(0), values(1)].map(|v| v.to_string()));
        text += &(cells.join(",") + "\n");
    }
    folder.write("sims.csv", text);
    // A CSV has no priors.
    let named: Vec<_> = arrays(90).into_iter().filter(|(name, _)| !name.starts_with("prior")).collect();
    let photometry: Vec<f64> = (0..180).map(|i| f64::from(i * 37 % 101) / 50.0 - 1.0).collect();
    let more = [
        ("photometry", doubles(&[90, 2], &photometry)),
        ("photometry_sigma", doubles(&[2], &[0.1, 0.2])),
        ("bands", names(b"HK")),
    ];
    folder.write("named.npz", npz(&[named, more.to_vec()].concat()));
    for (set, model) in [("named.npz", "a"), ("sims.csv", "b")] {
        let line = format!("train {set} -o {model}.safetensors --parameter-space physical {TINY}");
        let ran = folder.run(&line).succeeds();
        assert!(ran.err.contains("5 data points and 2 bands"), "{}", ran.err);
    }
    let cells = crate::program::OBSERVATION.lines().nth(1).unwrap();
    let row = format!("{},{}\n{cells},0.2,0.1,0.4,0.7\n", data.join(","), bands.join(","));
    folder.write("row.csv", &row);
    let draws = |line: &str| folder.run(&format!("sample {line} -n 20 -o -")).succeeds().out;
    let expected = draws("a.safetensors spectrum.csv --photometry bands.txt");
    assert_eq!(draws("b.safetensors row.csv"), expected);
    folder.write("other.csv", row.replace(",0.7\n", ",0.9\n"));
    assert_ne!(draws("b.safetensors other.csv"), expected, "the bands matter");
}

#[test]
fn uncertainties_of_other_bands_are_refused() {
    let folder = Folder::new();
    folder.write("bad.csv", "theta_1,x_1,photometry:J,photometry_sigma:K\n1,2,3,4\n");
    folder.run("info bad.csv").refuses(3, &["bad.csv", "photometry sigma", "the same bands"]);
}
