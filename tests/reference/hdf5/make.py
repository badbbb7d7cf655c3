"""Writes the HDF5 files of this folder with h5py: python make.py (h5py 3.16, numpy 2.4).

Every file holds the same six simulations, which `tests/it/hdf5.rs` knows, in another of the ways that HDF5 has of storing
them.
"""

import pathlib

import h5py
import numpy as np

HERE = pathlib.Path(__file__).parent
N, D, W = 6, 2, 40

# Values that float32 holds exactly, so that every file gives the same set.
theta = 0.125 + np.arange(N * D).reshape(N, D) / 16
x = np.arange(N * W).reshape(N, W) / 4 - 20
sigma = 0.5 + np.arange(W) / 64
wavelengths = 0.5 + np.arange(W) / 32
names, kinds = ["T", "log µ"], ["uniform", "log_uniform"]
low, high = np.array([-1.0, 0.125]), np.array([1.0, 2.0])


def fill(group, float_type="<f8", fixed=False, **storage):
    """The set in `group`: numbers of `float_type`, matrices stored as `storage` says, text of fixed or variable length."""
    numbers = dict(sigma=sigma, wavelengths=wavelengths, prior_low=low, prior_high=high)
    group.create_dataset("theta", data=theta.astype(float_type), **storage)
    group.create_dataset("x", data=x.astype(float_type), **storage)
    for name, values in numbers.items():
        group.create_dataset(name, data=values.astype(float_type))
    group.create_dataset("mask", data=x == 0.0)
    for name, words in dict(parameter_names=names, prior_kind=kinds).items():
        if fixed:
            data = np.array([word.encode() for word in words])
            group.create_dataset(name, data=data.astype(h5py.string_dtype("utf-8", data.itemsize)))
        else:
            group.create_dataset(name, data=words, dtype=h5py.string_dtype())


def write(name, libver="earliest", inside="/", **how):
    with h5py.File(HERE / f"{name}.h5", "w", libver=libver) as file:
        fill(file.require_group(inside), **how)


packed = dict(chunks=(4, 2), compression="gzip", shuffle=True)
write("contiguous")
write("latest", libver="latest")
write("packed", **packed)
write("packed_latest", libver="latest", **packed)
write("grown", libver="latest", maxshape=(None, None), fletcher32=True, **packed)
write("float32", float_type="<f4", fixed=True)
write("big_endian", float_type=">f8", fixed=True)
write("big_endian_float32", float_type=">f4", **packed)
write("nested", inside="run 3/train")

# Photometry in place of x, its bands by name and by wavelength.
for name, bands in dict(bands=["J", "Ks"], centers=[1.25, 2.25]).items():
    with h5py.File(HERE / f"{name}.h5", "w", libver="earliest") as file:
        file["theta"] = theta
        file["photometry"] = x[:, :2]
        file["photometry_sigma"] = 0.5
        file["photometry_mask"] = x[:, :2] == x[1, 0]
        file["bands"] = bands

# One observation; and the set among arrays of other kinds that it does without.
with h5py.File(HERE / "observation.h5", "w", libver="earliest") as file:
    for name, values in dict(values=x[2], sigma=sigma, mask=x[2] == 0.0, wavelengths=wavelengths).items():
        file[name] = values
with h5py.File(HERE / "among_others.h5", "w", libver="earliest") as file:
    fill(file, float_type=">f8")
    del file["prior_kind"]
    file["labels"] = names
    file["run/comment"] = "by hand"
    file["run/table"] = file["__metadata__"] = [["a", "b"], ["c", "d"]]
    file["flowglass"] = "0.1"
    file["run/complex"] = theta * 1j
    file["run/half"] = x.astype(">f2")
    file["run/counts"] = np.arange(3, dtype=">u2")
    file["run/none"] = np.zeros((0, 3))
    file.create_dataset("run/lzf", data=theta, chunks=(4, 2), compression="lzf")

# 17 MB of text that take up little.
with h5py.File(HERE / "wordy.h5", "w", libver="earliest") as file:
    fill(file)
    file.create_dataset("words", data=np.full(17, b"a" * 10**6), chunks=(17,), compression="gzip", compression_opts=9)

# Files that cannot be used as they are.
write("lzf", chunks=(4, 2), compression="lzf")
with h5py.File(HERE / "odd.h5", "w", libver="earliest") as file:
    file["theta"] = theta * 1j
    file["x"] = x.astype("<f2")
    file["counts"] = np.arange(3, dtype=">u2")
    file["again"] = h5py.SoftLink("/x")
    file["nowhere"] = h5py.SoftLink("/missing")
    file["outside"] = h5py.ExternalLink("other.h5", "/x")
    file["group/loop"] = file["/"]
    file["group/scalar"] = 0.5
with h5py.File(HERE / "huge.h5", "w", libver="earliest") as file:
    # 2 GiB of zeros that were never written.
    file.create_dataset("theta", shape=(2**28, 1), dtype="<f8", chunks=(1024, 1))
    file.create_dataset("x", data=x)
