//! Simulation sets in CSV: a header line with the names of the columns, then one row per simulation.

use super::columns::{BlockColumns, Column, LOOKED_FOR, assigned, classify};
use super::named::Named;
use super::roles::Role;
use super::{AssignedArray, Assignment};
use crate::data::Axis;
use crate::error::{Error, Result, counted};
use crate::files::{ArrayInfo, cell_number, split_cells};
use crate::numbers::{Budget, Kind, NumbersWriter, Values};
use csv::{ReaderBuilder, StringRecord, Trim};

/// Content of a file: its arrays, the arrays with their values, and notes.
type Read = (Vec<AssignedArray>, Vec<Named>, Vec<String>);

/// Reads a set.
///
/// # Errors
/// [`Error::File`] with line and column, what came and what was expected.
pub(super) fn read(file: &str, text: &str, assign: &Assignment, budget: &mut Budget) -> Result<Read> {
    let (header, skipped, body) = split_header(file, text)?;
    let delimiter = [b',', b';', b'\t', b' '].into_iter().find(|&d| header.as_bytes().contains(&d)).unwrap_or(b',');
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).trim(Trim::All).delimiter(delimiter);
    let mut record = StringRecord::new();
    builder.from_reader(header.as_bytes()).read_record(&mut record).map_err(|e| Error::file(file, e.to_string()))?;
    let headers: Vec<String> = record.iter().map(String::from).collect();
    let by_hand = assigned(file, &headers, assign)?;
    let is_by_hand = by_hand.is_some();
    let columns = by_hand.unwrap_or_else(|| headers.iter().map(|h| classify(h)).collect());

    let thetas: Vec<usize> = (0..columns.len()).filter(|&j| matches!(columns[j], Column::Theta(_))).collect();
    let unused: Vec<usize> = (0..columns.len()).filter(|&j| columns[j] == Column::Unknown).collect();
    if let Some(&j) = unused.first().filter(|_| !is_by_hand) {
        let message = format!("column {} ('{}') has a name that gives no role: {LOOKED_FOR}", j + 1, headers[j]);
        return Err(Error::file(file, message));
    }
    let block = |roles| BlockColumns::new(file, &headers, &columns, roles);
    let spectrum = block([Role::X, Role::Sigma, Role::Mask])?;
    let photometry = block([Role::Photometry, Role::PhotometrySigma, Role::PhotometryMask])?;
    if thetas.is_empty() || spectrum.len() + photometry.len() == 0 {
        let (d, w, f) = (thetas.len(), spectrum.len(), photometry.len());
        let [d, w, f] =
            [(d, "parameter column"), (w, "data column"), (f, "photometry column")].map(|(n, noun)| counted(n, noun));
        let came = format!("{d}, {w} and {f}");
        return Err(Error::file(file, format!("its header has {came}: {LOOKED_FOR}")));
    }
    let bands = photometry.bands;
    let mut gathered = vec![(Role::Theta, thetas)];
    gathered.extend(spectrum.of.into_iter().chain(photometry.of).filter(|(_, places)| !places.is_empty()));

    let failed = |message: String| Error::file(file, message);
    // An upper limit for the rows: some lines may be comments, and a number with its separator takes two bytes or more.
    let lines = body.bytes().filter(|&b| b == b'\n').count() + 1;
    let mut writers = Vec::with_capacity(gathered.len());
    for (role, places) in &gathered {
        let count = lines.saturating_mul(places.len()).min(body.len() / 2 + 1);
        writers.push(NumbersWriter::new(role.kind(), count, budget).map_err(failed)?);
    }
    let mut rows = 0;
    for (i, row) in body.lines().enumerate() {
        let (line, row) = (skipped + i + 1, row.trim());
        if row.is_empty() || row.starts_with('#') {
            continue;
        }
        let cells = split_cells(row, Some(char::from(delimiter)).filter(|&c| c != ' '));
        if cells.len() != headers.len() {
            let came = counted(cells.len(), "column");
            return Err(Error::file(file, format!("line {line} has {came}: expected {}", headers.len())));
        }
        let cell = |j: usize| cell_number(file, line, j, Some(&headers[j]), cells[j]);
        for ((_, places), writer) in gathered.iter().zip(&mut writers) {
            for &j in places {
                writer.push(cell(j)?).map_err(failed)?;
            }
        }
        rows += 1;
    }
    let names: Vec<String> =
        columns.into_iter().filter_map(|c| if let Column::Theta(name) = c { Some(name) } else { None }).collect();
    let mut arrays = vec![(Role::ParameterNames, "<U", vec![names.len()], Values::Text(names))];
    for ((role, places), writer) in gathered.into_iter().zip(writers) {
        let dtype = match role.kind() {
            Kind::F64 => "<f8",
            Kind::Flag => "|u1",
            _ => "<f4",
        };
        arrays.push((role, dtype, vec![rows, places.len()], writer.finish().map_err(failed)?));
    }
    arrays.extend(bands.map(|bands| match bands {
        Axis::Names(names) => (Role::Bands, "<U", vec![names.len()], Values::Text(names)),
        Axis::Wavelengths(centers) => (Role::Bands, "<f8", vec![centers.len()], Values::F64(centers.into())),
    }));
    let info = |(role, dtype, shape, _): &(Role, &str, Vec<usize>, Values)| AssignedArray {
        info: ArrayInfo { name: role.name().into(), shape: shape.clone(), dtype: dtype.to_string() },
        role: Some(role.name().into()),
    };
    let infos = arrays.iter().map(info).collect();
    let named = |(role, _, shape, values): (Role, _, _, _)| Named { role, name: role.name().into(), shape, values };
    let notes = unused.iter().map(|&j| format!("column '{}' was not used", headers[j])).collect();
    Ok((infos, arrays.into_iter().map(named).collect(), notes))
}

/// Splits the text into its header line, the number of lines before the body, and the body. The header may be a
/// comment, as numpy.savetxt writes it.
fn split_header<'a>(file: &str, text: &'a str) -> Result<(&'a str, usize, &'a str)> {
    let (mut comment, mut start) = (None, 0);
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let words = line.trim();
        if let Some(rest) = words.strip_prefix('#') {
            comment = Some(rest.trim_start_matches('#').trim());
        } else if !words.is_empty() {
            let first = words.split([',', ';', '\t', ' ']).next().unwrap_or("");
            return match (comment, first.parse::<f64>()) {
                (Some(header), Ok(_)) => Ok((header, i, &text[start..])),
                (None, Ok(_)) => {
                    let message = format!("line {} is numbers: expected a header line; {LOOKED_FOR}", i + 1);
                    Err(Error::file(file, message))
                }
                (_, Err(_)) => Ok((words, i + 1, &text[start + line.len()..])),
            };
        }
        start += line.len();
    }
    Err(Error::file(file, format!("no header line and no rows; {LOOKED_FOR}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Photometry;
    use crate::prior::Prior;
    use crate::reading::{Assignment, ReadSet, read_set};

    fn set(text: &str) -> Result<ReadSet> {
        read_set("set.csv", text.as_bytes(), &Assignment::default())
    }

    fn refusal(text: &str) -> String {
        set(text).unwrap_err().to_string()
    }

    const PREFIXED: &str = "theta:T,Theta[1],x_10,x_2,sigma_2,sigma_10\n1,2,10,2,0.2,0.1\n3,4,11,3,0.3,0.4\n";

    #[test]
    fn columns_are_found_by_prefix() {
        let ReadSet { set, arrays } = set(PREFIXED).unwrap();
        assert_eq!(set.parameter_names, ["T", "Theta[1]"]);
        assert_eq!(set.theta.values(), [1.0, 2.0, 3.0, 4.0]);
        assert!(arrays.iter().all(|a| a.info.name == "parameter_names" || a.info.shape == [2, 2]), "{arrays:?}");
    }

    #[test]
    fn data_are_ordered_by_index() {
        let set = set(PREFIXED).unwrap().set;
        assert_eq!(set.spectra().values.values(), [2.0, 10.0, 3.0, 11.0]);
        assert_eq!(set.observation(0).spectrum.unwrap().sigma.unwrap(), [0.2, 0.1]);
    }

    const BOUNDS: Prior = Prior::Uniform { low: 0.0, high: 5.0 };

    /// Reads a set of the parameters `T` and `log g` with these priors.
    fn with_priors(given: &[(&str, Prior)]) -> Result<ReadSet> {
        let priors = given.iter().map(|(name, prior)| (name.to_string(), *prior)).collect();
        let text = "theta:T,theta:log g,x_1\n1,2,3\n4,9,6\n";
        read_set("set.csv", text.as_bytes(), &Assignment { priors, ..Assignment::default() })
    }

    #[test]
    fn priors_can_be_given_by_the_names_of_their_parameters() {
        let normal = Prior::Normal { mean: 4.0, std: 2.0 };
        let set = with_priors(&[("log g", normal), ("T", BOUNDS)]).unwrap().set;
        assert_eq!(set.priors, [BOUNDS, normal]);
        assert_eq!(with_priors(&[("T", BOUNDS)]).unwrap().set.priors, [BOUNDS, Prior::None]);
        let [beyond, unknown] = &with_priors(&[("log g", BOUNDS)]).unwrap().set.notes[..] else { panic!("two notes") };
        assert!(beyond.starts_with("log g lies outside of its prior (uniform from 0 to 5) in 1 of 2 rows"), "{beyond}");
        assert!(unknown.starts_with("no prior for T: the bounds are unknown"), "{unknown}");
    }

    #[test]
    fn a_prior_that_does_not_fit_is_refused() {
        let refusal = |given: &[(&str, Prior)]| with_priors(given).unwrap_err().to_string();
        assert!(refusal(&[("g", BOUNDS)]).contains("prior = g: expected a parameter: T, log g"));
        assert!(refusal(&[("T", Prior::Uniform { low: 1.0, high: 1.0 })]).contains("expected low < high"));
    }

    /// Reads a set whose columns are assigned.
    fn by_hand(text: &str, roles: &[(&str, &str)]) -> Result<ReadSet> {
        let roles: serde_json::Map<_, _> =
            roles.iter().map(|(role, list)| (role.to_string(), (*list).into())).collect();
        read_set("set.csv", text.as_bytes(), &serde_json::from_value(roles.into()).unwrap())
    }

    #[test]
    fn columns_of_any_name_can_be_assigned_as_lists_or_ranges() {
        let text = "id,T,b0,b1,log g,e0,e1,J,eJ\n9,1,2,3,4,0.2,0.3,7,0.7\n9,5,6,7,8,0.6,0.7,8,0.8\n";
        let roles = [
            ("theta", "log g, T"),
            ("x", "b0..b1"),
            ("sigma", "e0,e1"),
            ("photometry", "J"),
            ("photometry_sigma", "eJ"),
        ];
        let set = by_hand(text, &roles).unwrap().set;
        assert_eq!(set.parameter_names, ["T", "log g"], "in the order of the file");
        assert_eq!(
            (set.theta.values(), set.spectra().values.values()),
            (&[1.0, 4.0, 5.0, 8.0][..], &[2.0, 3.0, 6.0, 7.0][..])
        );
        let observation = set.observation(1);
        let photometry = observation.photometry.unwrap();
        assert_eq!(observation.spectrum.unwrap().sigma.unwrap(), [0.6, 0.7]);
        assert_eq!((photometry.sigma, photometry.bands), (Some(vec![0.8]), Some(Axis::Names(vec!["J".into()]))));
        assert!(set.notes.contains(&"column 'id' was not used".to_string()), "{:?}", set.notes);
    }

    #[test]
    fn a_column_without_an_assignment_is_read_by_its_name_unless_its_role_is_assigned() {
        let mixed = by_hand("theta_1,x_1,y\n1,2,3\n4,5,6\n", &[("x", "y")]).unwrap().set;
        assert_eq!((mixed.theta.values(), mixed.spectra().values.values()), (&[1.0, 4.0][..], &[3.0, 6.0][..]));
    }

    #[test]
    fn columns_that_cannot_be_assigned_are_refused_by_name() {
        let refused = |roles: &[(&str, &str)]| by_hand("a,b,c,d\n1,2,3,4\n5,6,7,8\n", roles).unwrap_err().to_string();
        for (roles, said) in [
            (&[("theta", "a"), ("x", "q")][..], "no column 'q' to take as x: it has a, b, c, d"),
            (&[("theta", "a"), ("x", "a,b")], "column 'a' is assigned as theta and as x"),
            (&[("theta", "a"), ("x", "c..b")], "'c..b' to take as x: its first column comes after its last"),
            (&[("theta", "a"), ("x", "b..c"), ("sigma", "d")], "1 uncertainty column for 2 data columns"),
            (&[("theta", "a"), ("photometry", "b..c"), ("photometry_sigma", "d")], "expected 2, one for each band"),
            (&[("theta", "a"), ("x", "b"), ("wavelengths", "c")], "a CSV has no array for wavelengths"),
            (&[("x", "b")], "0 parameter columns"),
        ] {
            assert!(refused(roles).contains(said), "{roles:?}: {}", refused(roles));
        }
    }

    #[test]
    fn photometry_has_columns_of_its_own_in_the_order_of_its_values() {
        let text = "theta_1,x_1,photometry:Ks,photometry:J,photometry_sigma:J,photometry_sigma:Ks,mask_1,photometry_mask:J,\
                    Photometry_Mask:Ks\n1,2,3,4,0.4,0.3,0,1,0\n5,6,7,8,0.8,0.7,1,0,0\n";
        let set = set(text).unwrap().set;
        let first = set.observation(0);
        let photometry = first.photometry.unwrap();
        assert_eq!(photometry.bands, Some(Axis::Names(vec!["Ks".into(), "J".into()])));
        assert_eq!((photometry.values, photometry.sigma), (vec![3.0, 4.0], Some(vec![0.3, 0.4])));
        assert_eq!(photometry.mask, Some(vec![0, 1]));
        assert_eq!(set.observation(1).spectrum.unwrap().mask, Some(vec![1]));
    }

    fn photometry_alone(text: &str) -> Photometry {
        set(text).unwrap().set.observation(0).photometry.unwrap()
    }

    #[test]
    fn bands_may_be_wavelengths() {
        let centers = photometry_alone("theta_1,photometry:2.2,photometry:1.25\n1,3,4\n");
        assert_eq!(centers.bands, Some(Axis::Wavelengths(vec![2.2, 1.25])));
        assert_eq!((centers.values, centers.sigma), (vec![3.0, 4.0], None));
    }

    #[test]
    fn numbered_bands_are_ordered_by_their_numbers() {
        let text = "theta_1,photometry_2,photometry_1,photometry_sigma_1,photometry_sigma_2\n1,3,4,0.4,0.3\n";
        let numbered = photometry_alone(text);
        assert_eq!((numbered.values, numbered.sigma, numbered.bands), (vec![4.0, 3.0], Some(vec![0.4, 0.3]), None));
    }

    const PLAIN: &str = "parameter_1,data_1\n1,2\n3,4\n";

    /// Whether `text` holds the same set as [`PLAIN`].
    fn is_plain(text: &str) -> bool {
        let (plain, other) = (set(PLAIN).unwrap().set, set(text).unwrap().set);
        plain.theta == other.theta && plain.observations == other.observations
    }

    #[test]
    fn a_header_may_be_a_comment() {
        assert!(is_plain("# made by hand\n# parameter_1;data_1\n1;2\n\n3;4"));
    }

    #[test]
    fn lines_may_end_as_on_windows() {
        assert!(is_plain("\u{feff}parameter_1,data_1\r\n1,2\r\n3,4\r\n"));
    }

    #[test]
    fn a_ragged_row_is_named_by_its_line() {
        let message = refusal("# note\ntheta_1,x_1\n1,2\n\n3\n");
        assert!(message.contains("line 5 has 1 column: expected 2"), "{message}");
    }

    #[test]
    fn a_cell_that_is_not_a_number_is_named_by_line_and_column() {
        for cell in ["abc", ""] {
            let message = refusal(&format!("theta_1,x_1\n1,2\n3,{cell}\n"));
            assert!(message.contains("line 3, column 2 ('x_1')"), "{message}");
        }
    }

    #[test]
    fn ambiguous_headers_are_refused_with_what_was_looked_for() {
        for text in [
            "id,theta_1,x_1\n1,2,3\n",
            "theta_1,x_1,data_1\n1,2,3\n",
            "theta_1,theta_2\n1,2\n",
            "data_1,data_2\n1,2\n",
            "theta_1,x_1,x_2,sigma_1\n1,2,3,4\n",
            "theta_1,photometry:J,photometry_sigma:K\n1,2,3\n",
            "theta_1,photometry:J,photometry:J\n1,2,3\n",
            "theta_1,photometry:J,photometry_2\n1,2,3\n",
            "theta_1,x_1,photometry_mask:J\n1,2,3\n",
            "theta_1,x_1,photometry J\n1,2,3\n",
            "theta_1,x_1,x_2,mask_1\n1,2,3,0\n",
            "1,2\n3,4\n",
            "# only a comment\n",
        ] {
            let message = refusal(text);
            assert!(message.contains("looked for") || message.contains("expected one for each"), "{text}: {message}");
        }
    }

    #[test]
    fn rows_with_nan_are_dropped() {
        let read = set("theta_1,x_1\n1,2\nnan,4\n5,6\n").unwrap().set;
        assert_eq!((read.len(), read.dropped_rows), (2, 1));
    }

    #[test]
    fn a_header_alone_is_refused() {
        assert!(refusal("theta_1,x_1\n").contains("at least one row"));
    }
}
