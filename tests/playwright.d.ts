// For the type checker alone: a test that asks for the place of what isn't there fails by itself.

export {};

declare module "playwright-core" {
  interface Locator {
    boundingBox(): Promise<{ x: number; y: number; width: number; height: number }>;
  }
}
