// The second unit of `scoped`: its `Lone` is another one than the first unit's.
namespace far {
struct Lone {
    char text[3];
};
Lone there = {"ab"};
} // namespace far
