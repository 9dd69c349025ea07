/** Variants for graphics cards are found by what they need. The needs are those of the published files, by readelf -d. */
import { describe, expect, it } from "vitest";
import { findAccelerated, type LibraryFile } from "../../../src/compat/foreign/index.ts";

const file = (path: string, ...needed: string[]): LibraryFile => ({ path, soname: undefined, needed });
/** @node-llama-cpp 3.21.1: an addon, its library, and a library that only dlopen asks for. */
const variant = (name: string, addonNeeds: string[], backend: string[] = []): LibraryFile[] => {
  const at = `@node-llama-cpp/${name}/bins/${name}`;
  return [
    file(`${at}/llama-addon.node`, "libllama.so", "libggml-base.so", "libc.so.6", ...addonNeeds),
    file(`${at}/libllama.so`, "libggml-base.so", "libc.so.6"),
    file(`${at}/libggml-base.so`, "libc.so.6"),
    ...(backend.length === 0 ? [] : [file(`${at}/libggml-gpu.so`, "libggml-base.so", ...backend)]),
  ];
};
const CPU = variant("linux-x64", []);
const CUDA = variant("linux-x64-cuda", [], ["libcudart.so.13", "libcublas.so.13", "libcuda.so.1"]);
const VULKAN = variant("linux-x64-vulkan", ["libvulkan.so.1"], ["libvulkan.so.1"]);
const paths = (files: readonly LibraryFile[]) => files.map(({ path }) => path).toSorted();
const left = (files: readonly LibraryFile[], kept?: ReadonlySet<string>) =>
  [...findAccelerated(files, kept)].toSorted();

describe("variants for graphics cards", () => {
  it("are left out as a whole beside the one for the processor", () => {
    expect(left([...CPU, ...CUDA, ...VULKAN])).toEqual(paths([...CUDA, ...VULKAN]));
  });

  it("stay when there is no other", () => {
    expect(left(VULKAN)).toEqual([]);
    expect(left([file("cuda-ffi/lib/libmine.so", "libcuda.so.1")])).toEqual([]);
  });

  it("stay where a file of them is kept", () => {
    const kept = new Set(CUDA.map(({ path }) => path));
    expect(left([...CPU, ...CUDA, ...VULKAN], kept)).toEqual(paths(VULKAN));
  });

  it("are single libraries where the addon serves all", () => {
    const at = "onnxruntime-node/bin/napi-v6/linux/x64";
    const files = [
      file(`${at}/onnxruntime_binding.node`, "libonnxruntime.so.1"),
      file(`${at}/libonnxruntime.so.1`, "libc.so.6"),
      file(`${at}/libonnxruntime_providers_shared.so`, "libc.so.6"),
      file(`${at}/libonnxruntime_providers_cuda.so`, "libcublasLt.so.12", "libcudnn.so.9"),
      file(`${at}/libonnxruntime_providers_tensorrt.so`, "libnvinfer.so.10"),
    ];
    expect(left(files)).toEqual(paths(files.slice(3)));
  });

  it("stay when the only addon links to them, also by another library", () => {
    const files = [
      file("gl/gl.node", "libmid.so"),
      file("gl/libmid.so", "libvk.so"),
      file("gl/libvk.so", "libvulkan.so.1"),
    ];
    expect(left(files)).toEqual([]);
  });

  it("are none where the release brings the driver's library itself", () => {
    const files = [
      file("ocl/a.node", "libc.so.6"),
      file("ocl/libb.so", "libOpenCL.so.1"),
      file("ocl/libOpenCL.so.1", "libc.so.6"),
    ];
    expect(left(files)).toEqual([]);
  });

  it("do not reach the same addon of another version of the package", () => {
    const one = [
      file("ort/bin/v3/a.node", "libc.so.6"),
      file("ort/bin/v3/libcuda_provider.so", "libcuda.so.1"),
    ];
    const files = [...one, file("ort/bin/v6/a.node", "libc.so.6")];
    expect(left(files)).toEqual(["ort/bin/v3/libcuda_provider.so"]);
  });
});
