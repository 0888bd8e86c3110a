//! The shortest way through all layers.
mod world;

use world::{Open, World};

#[test]
fn maps_lists_reads_and_unmaps() {
    let world = World::new();
    std::fs::write(world.path("hello.txt"), b"hello").unwrap();
    world.map("X:").unwrap();
    let names = world.list("").unwrap();
    assert_eq!(names, [".", "..", "hello.txt"]);
    let file = world.open("hello.txt", &Open::read()).unwrap();
    assert_eq!(file.read(0, 100).unwrap(), b"hello");
    drop(file);
    world.unmap("X:").unwrap();
    world.end();
}
