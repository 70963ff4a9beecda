struct careless_t {
    int field;
};

int careless()
{
    int number = 0;
    // Words such as if (this) that; in comments and "strings" are no mistake.
    if (number == 1)
        number = 2;
    else if (number == 3) {
        number = 4;
    } else
        number = 5;
    do {
        number++;
    } while (number < 9);
    return number;
}
