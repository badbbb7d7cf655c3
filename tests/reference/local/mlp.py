"""How often a trained classifier finds a fault at an observation: L-C2ST-NF with sbi's default classifier.

The problem is that of `src/diagnostics/local/tests.rs`: x is standard normal, two parameters, and the model is wrong
where x > 0. The classifier has the settings of sbi's LC2ST_NF: scikit-learn's MLPClassifier with two layers of 10 D
units, early stopping, and classifiers of the null trained on draws of the base in both classes.

    pip install numpy scikit-learn
    python tests/reference/local/mlp.py
"""

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier

N, D = 1000, 2
NULLS, SETS = 60, 20
AT = (1.0, -1.0)

warnings.filterwarnings("ignore")
rng = np.random.default_rng(1)
points = rng.standard_normal((5000, D))


def trained(z, x, seed):
    base = rng.standard_normal((N, D))
    both = np.r_[np.c_[z, x], np.c_[base, x]]
    settings = {"max_iter": 1000, "early_stopping": True, "n_iter_no_change": 50}
    classifier = MLPClassifier(hidden_layer_sizes=(10 * D, 10 * D), random_state=seed, **settings)
    return classifier.fit(both, np.repeat([0, 1], N))


def statistic(classifier, at):
    probability = classifier.predict_proba(np.c_[points, np.full(len(points), at)])[:, 0]
    return np.mean((probability - 0.5) ** 2)


def faulty(x, kind, size):
    z = rng.standard_normal((N, D))
    wrong = x[:, 0] > 0
    if kind == "narrow":
        z[wrong, 0] *= size
    elif kind == "low":
        z[wrong, 0] += size
    else:
        z[wrong, 1] = size * z[wrong, 0] + np.sqrt(1 - size**2) * z[wrong, 1]
    return z


x = rng.standard_normal((N, 1))
null = [[statistic(c, at) for at in AT] for c in (trained(rng.standard_normal((N, D)), x, s) for s in range(NULLS))]
null = np.array(null)
for kind, size in (("narrow", 1.5), ("narrow", 1.25), ("low", 0.5), ("correlation", 0.5)):
    found = np.zeros(len(AT))
    for seed in range(SETS):
        classifier = trained(faulty(x, kind, size), x, 1000 + seed)
        of = np.array([statistic(classifier, at) for at in AT])
        found += (1 + np.sum(null >= of, axis=0)) / (NULLS + 1) <= 0.05
    print(f"{kind} {size}: found at x = 1 in {found[0]:.0f}, at x = -1 in {found[1]:.0f} of {SETS} sets", flush=True)
