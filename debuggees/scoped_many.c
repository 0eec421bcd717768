// A unit of `scoped-c` that is in it many times.
struct Common {
    int number;
};

__attribute__((used)) static struct Common common = {1};
