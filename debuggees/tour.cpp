// tour
// Shows: what the README's tour walks through in C++: a loop over a container, a list, a value that is changed while it runs.
// Prints: ready PID, a line for each order, `total N`, and exits 0.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

struct Order {
    std::string item;
    int count;
    double price;
};

struct Stop {
    std::string city;
    std::unique_ptr<Stop> next;
};

class Shop {
public:
    Shop() : orders_{{"lamp", 2, 19.5}, {"a very long bookshelf", 1, 149.0}, {"cup", 12, 3.25}}
    {
        for (const char *city : {"Rome", "Lyon", "Oslo"})
            route_ = std::make_unique<Stop>(Stop{city, std::move(route_)});
    }

    double total(int discount)
    {
        double sum = 0;
        for (const Order &order : orders_) {
            double price = order.price * order.count;
            price -= price * discount / 100;
            sold_[order.item] += order.count;
            sum += price;
            printf("%s: %.2f\n", order.item.c_str(), price);
        }
        return sum;
    }

    int stops() const
    {
        int count = 0;
        for (const Stop *stop = route_.get(); stop; stop = stop->next.get())
            count++;
        return count;
    }

private:
    std::vector<Order> orders_;
    std::map<std::string, int> sold_;
    std::unique_ptr<Stop> route_;
};

int main()
{
    const char *seconds = getenv("FARSIGHT_DEBUGGEE_SECONDS");
    alarm(seconds ? static_cast<unsigned>(strtoul(seconds, nullptr, 10)) : 600);
    prctl(PR_SET_PTRACER, ~0ul, 0, 0, 0);
    printf("ready %d\n", static_cast<int>(getpid()));
    fflush(stdout);
    Shop shop;
    double total = shop.total(10);
    printf("total %.2f, %d stops\n", total, shop.stops());
    return 0;
}
