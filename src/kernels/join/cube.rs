//! Splitting and joining on the GPU. All pieces are split off in one dispatch: it copies them to a buffer where each
//! piece begins at an offset that may be bound, and the pieces are views of that buffer. Joining takes one dispatch per
//! seven pieces.

use crate::kernels::cube::{Buffer, buffer, cubes, empty, input, integers, output, tensor};
use burn::tensor::{Tensor, TensorData};
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::*;

/// Pieces that one dispatch joins. With the result they are 8 storage buffers, the most that WebGPU guarantees for one
/// dispatch.
const AT_ONCE: usize = 7;

/// See [`super::split`].
pub fn split(flat: Tensor<1>, sizes: &[usize]) -> Vec<Tensor<1>> {
    // A binding must begin at a multiple of 256 bytes, or 64 numbers, which WebGPU guarantees to be enough.
    const ALIGNMENT: usize = 64;
    // For each piece, its start in `flat`, and its start in the new buffer.
    let (mut plan, mut from, mut to) = (Vec::new(), 0, 0);
    for n in sizes {
        plan.extend([from, to]);
        from += n;
        to += n.next_multiple_of(ALIGNMENT);
    }
    let starts = TensorData::new(plan.iter().map(|&v| v as i32).collect(), [plan.len()]);
    let starts = integers(Tensor::from_data(starts, &flat.device()));
    let flat = buffer(flat);
    let spread = empty([to], &flat);
    let (count, dim) = cubes(to);
    split_all::launch(&spread.client, count, dim, input(flat), input(starts), output(&spread), sizes.len());
    let piece = |(start, &n): (&[usize], &usize)| {
        let (before, after) = (start[1] * size_of::<f32>(), (to - start[1] - n) * size_of::<f32>());
        let handle = spread.handle.clone().offset_start(before as u64).offset_end(after as u64);
        let (client, device) = (spread.client.clone(), spread.device.clone());
        tensor(Buffer::new_contiguous(client, device, [n].into(), handle, spread.dtype))
    };
    plan.chunks_exact(2).zip(sizes).map(piece).collect()
}

/// See [`super::join`].
pub fn join(pieces: Vec<Tensor<1>>) -> Tensor<1> {
    let sizes: Vec<usize> = pieces.iter().map(|piece| piece.shape().num_elements()).collect();
    let pieces: Vec<Buffer> = pieces.into_iter().map(|piece| into_contiguous(buffer(piece))).collect();
    let out = empty([sizes.iter().sum::<usize>()], &pieces[0]);
    let mut from = 0;
    for (pieces, sizes) in pieces.chunks(AT_ONCE).zip(sizes.chunks(AT_ONCE)) {
        // The end of each piece in the result. The kernel always binds AT_ONCE inputs: a missing piece has length 0,
        // and the first piece is bound in its place.
        let mut end = 0;
        let [end_a, end_b, end_c, end_d, end_e, end_f, end_g]: [usize; AT_ONCE] = std::array::from_fn(|i| {
            end += sizes.get(i).copied().unwrap_or(0);
            end
        });
        let [a, b, c, d, e, f, g] = std::array::from_fn(|i| input(pieces.get(i).unwrap_or(&pieces[0]).clone()));
        let (count, dim) = cubes(end);
        join_some::launch(
            &out.client,
            count,
            dim,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            output(&out),
            from,
            end_a,
            end_b,
            end_c,
            end_d,
            end_e,
            end_f,
            end_g,
        );
        from += end;
    }
    tensor(out)
}

/// Copies each piece to its place in `out`; `plan` holds two starts for each piece, in `flat` and in `out`.
#[cube(launch)]
fn split_all(flat: &[f32], plan: &[i32], out: &mut [f32], pieces: usize) {
    let i = ABSOLUTE_POS;
    if i < out.len() {
        let mut from = 0usize;
        for piece in 0..pieces {
            let start = usize::cast_from(plan[2 * piece + 1]);
            if i >= start {
                from = usize::cast_from(plan[2 * piece]) + i - start;
            }
        }
        // The gap after a piece is filled with the numbers that follow it in `flat`, if there are any.
        out[i] = flat[min(from, flat.len() - 1)];
    }
}

/// Copies up to seven pieces to `out[from..]`, one after another.
#[cube(launch)]
fn join_some(
    a: &[f32],
    b: &[f32],
    c: &[f32],
    d: &[f32],
    e: &[f32],
    f: &[f32],
    g: &[f32],
    out: &mut [f32],
    from: usize,
    end_a: usize,
    end_b: usize,
    end_c: usize,
    end_d: usize,
    end_e: usize,
    end_f: usize,
    end_g: usize,
) {
    let i = ABSOLUTE_POS;
    if i < end_a {
        out[from + i] = a[i];
    } else if i < end_b {
        out[from + i] = b[i - end_a];
    } else if i < end_c {
        out[from + i] = c[i - end_b];
    } else if i < end_d {
        out[from + i] = d[i - end_c];
    } else if i < end_e {
        out[from + i] = e[i - end_d];
    } else if i < end_f {
        out[from + i] = f[i - end_e];
    } else if i < end_g {
        out[from + i] = g[i - end_f];
    }
}
