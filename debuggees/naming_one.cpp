// The second unit of `naming`: of its two types other units have other ones, or none.
#include "naming.h"

template <typename Item> struct Box {
    Item item;
    int tag;
};
struct Private {
    int first;
    int second;
};

Box<int> whole = {7, 1};
static Private of_one = {1, 2};

int whole_box() { return whole.item + whole.tag + of_one.first + of_one.second; }
