/** The part of WebAssembly that is used here: Node has it, its type declarations do not. */
interface WebAssemblyApi {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object, imports?: object) => WebAssemblyInstance;
  instantiate(module: object, imports: object): Promise<WebAssemblyInstance>;
}

interface WebAssemblyInstance {
  readonly exports: unknown;
}

export function webAssembly(): WebAssemblyApi {
  return (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
}
