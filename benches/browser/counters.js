/**
 * Counts what a page asks of WebGPU: dispatches, submissions, read-backs, and bytes. `bound_bytes` adds up the sizes of
 * the buffers that are bound at each dispatch. This is an upper limit of the bytes that the dispatch reads and writes.
 */
(() => {
  if (!globalThis.GPUDevice) return;
  const count = {
    dispatches: 0,
    bound_bytes: 0,
    submits: 0,
    read_backs: 0,
    read_back_bytes: 0,
    written_bytes: 0,
    pipelines: 0,
  };
  const bytesOf = new WeakMap();
  const bound = new WeakMap();
  const after = (type, name, then) => {
    const original = type.prototype[name];
    if (!original) return;
    type.prototype[name] = function counted(...args) {
      const result = original.apply(this, args);
      then(this, args, result);
      return result;
    };
  };
  const sizeOf = ({ buffer, offset = 0, size }) => (buffer ? (size ?? buffer.size - offset) : 0);
  after(GPUDevice, 'createBindGroup', (_, [{ entries }], group) => {
    bytesOf.set(
      group,
      [...entries].reduce(
        (sum, { resource }) =>
          sum + sizeOf(resource.buffer ? resource : { buffer: resource instanceof GPUBuffer ? resource : null }),
        0,
      ),
    );
  });
  after(GPUComputePassEncoder, 'setBindGroup', (pass, [index, group]) => {
    const groups = bound.get(pass) ?? new Map();
    groups.set(index, bytesOf.get(group) ?? 0);
    bound.set(pass, groups);
  });
  for (const name of ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect']) {
    after(GPUComputePassEncoder, name, (pass) => {
      count.dispatches += 1;
      (bound.get(pass) ?? []).forEach((bytes) => {
        count.bound_bytes += bytes;
      });
    });
  }
  for (const name of ['createComputePipeline', 'createComputePipelineAsync']) {
    after(GPUDevice, name, () => {
      count.pipelines += 1;
    });
  }
  after(GPUQueue, 'submit', () => {
    count.submits += 1;
  });
  after(GPUQueue, 'writeBuffer', (_, [, , data, offset = 0, size]) => {
    count.written_bytes += size ?? data.byteLength - offset;
  });
  after(GPUBuffer, 'mapAsync', (buffer) => {
    count.read_backs += 1;
    count.read_back_bytes += buffer.size;
  });
  globalThis.counters = () => ({ ...count });
})();
