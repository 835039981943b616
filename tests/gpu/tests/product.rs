//! The WGSL that ships, on every Vulkan device that there is, beside the crate's own kernel: the same i32, to the bit. `cargo xtask
//! test gpu` names lavapipe, which is there on every machine, as the only one; by hand a real one is found too:
//! `cargo test --manifest-path tests/gpu/Cargo.toml`.

use pollster::block_on;
use sotto::gpu::{cases::cases, program};
use wgpu::util::{BufferInitDescriptor, DeviceExt};
use wgpu::*;

struct Gpu {
    name: String,
    device: Device,
    queue: Queue,
}

/// With default limits and no features, as extension/gpu.js opens them.
fn devices() -> Vec<Gpu> {
    let instance = Instance::new(InstanceDescriptor::new_without_display_handle());
    let opened = block_on(instance.enumerate_adapters(Backends::VULKAN)).into_iter().map(|adapter| {
        let (device, queue) = block_on(adapter.request_device(&DeviceDescriptor::default())).expect("a device");
        Gpu { name: adapter.get_info().name, device, queue }
    });
    opened.collect()
}

impl Gpu {
    fn compile(&self, text: String) -> ComputePipeline {
        let source = ShaderSource::Wgsl(text.into());
        let module = self.device.create_shader_module(ShaderModuleDescriptor { label: None, source });
        self.device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: None,
            compilation_options: PipelineCompilationOptions::default(),
            cache: None,
        })
    }

    fn filled(&self, contents: &[u8], usage: BufferUsages) -> Buffer {
        self.device.create_buffer_init(&BufferInitDescriptor { label: None, contents, usage })
    }

    fn empty(&self, size: u64, usage: BufferUsages) -> Buffer {
        self.device.create_buffer(&BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    }

    fn sums(&self, pipeline: &ComputePipeline, product: sotto::gpu::Product) -> Vec<i32> {
        let n_bytes = 4 * product.n_sums() as u64;
        let shape: Vec<u8> = product.shape().iter().flat_map(|number| number.to_le_bytes()).collect();
        let sums = self.empty(n_bytes, BufferUsages::STORAGE | BufferUsages::COPY_SRC);
        let read = self.empty(n_bytes, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        let buffers = [
            &self.filled(&shape, BufferUsages::UNIFORM),
            &self.filled(product.rows(), BufferUsages::STORAGE),
            &self.filled(product.weights(), BufferUsages::STORAGE),
            &sums,
        ];
        let entries: Vec<BindGroupEntry> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let layout = &pipeline.get_bind_group_layout(0);
        let bindings = self.device.create_bind_group(&BindGroupDescriptor { label: None, layout, entries: &entries });
        let mut encoder = self.device.create_command_encoder(&CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, &bindings, &[]);
            let [across, down] = product.workgroups();
            pass.dispatch_workgroups(across, down, 1);
        }
        encoder.copy_buffer_to_buffer(&sums, 0, &read, 0, n_bytes);
        self.queue.submit([encoder.finish()]);
        read.map_async(MapMode::Read, .., |mapped| mapped.expect("sums to read"));
        self.device.poll(PollType::wait_indefinitely()).expect("the device to finish");
        let bytes = read.get_mapped_range(..).expect("what was mapped").to_vec();
        bytes.as_chunks().0.iter().copied().map(i32::from_le_bytes).collect()
    }
}

#[test]
fn both_programs_give_the_sums_of_the_kernel() {
    let (devices, cases) = (devices(), cases());
    assert!(!devices.is_empty() && cases.len() > 20, "{} devices, {} cases", devices.len(), cases.len());
    for gpu in &devices {
        for has_packed_dots in [true, false] {
            let pipeline = gpu.compile(program(has_packed_dots));
            for case in &cases {
                let sums = gpu.sums(&pipeline, case.product());
                case.check(&sums).unwrap_or_else(|problem| {
                    panic!("{}, packed dots {has_packed_dots}, {}: {problem}", gpu.name, case.name)
                });
            }
        }
        println!("{}: {} products, each by both programs", gpu.name, cases.len());
    }
}

/// A comparison that can't fail proves nothing.
#[test]
fn a_sum_that_is_off_or_missing_is_seen() {
    for case in cases() {
        assert!(case.check(&vec![i32::MIN; case.product().n_sums()]).is_err(), "{}", case.name);
        assert!(case.check(&[]).is_err(), "{}", case.name);
    }
}
