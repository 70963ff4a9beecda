// Loans, against a naive model.

#include "loans.h"
#include "proc/proc_testing.h"

enum { MOST = 300 };

struct model {
    uint64_t id;
    int key;
    bool waits;
};

static keel_from nobody(keel_pid pid)
{
    return (keel_from){pid, keel_nil()};
}

static void check_first(struct kl_loans *loans, const struct model *model, size_t count)
{
    size_t waiting = 0;
    const struct model *first = NULL;
    for (size_t i = 0; i < count; i++) {
        first = first == NULL && model[i].waits ? &model[i] : first;
        waiting += model[i].waits;
    }
    CHECK_INT(loans->waiting, waiting);
    struct kl_loan *loan = kl_loans_first(loans);
    CHECK((loan == NULL) == (first == NULL));
    CHECK(first == NULL || loan->id == first->id);
}

PROCESS_TEST("loans are found by number and key, and wait in order")
{
    static struct model model[MOST];
    size_t count = 0;
    struct kl_loans loans = {0};
    keel_pid self = keel_self();
    for (int step = 0; step < 3000; step++) {
        size_t chosen = count == 0 ? 0 : keel_random() % count;
        if (count < MOST && (count == 0 || keel_random() % 2 == 0)) {
            struct kl_loan *loan = kl_loans_add(
                    &loans, keel_int(step), keel_make("{a, [b]}"), nobody(self));
            model[count++] = (struct model){loan->id, step, true};
        } else if (!model[chosen].waits && keel_random() % 3 == 0) {
            // Waits again, before all others: then it is the first of the model, too.
            struct model again = {model[chosen].id, model[chosen].key, true};
            for (size_t i = chosen; i > 0; i--) {
                model[i] = model[i - 1];
            }
            model[0] = again;
            kl_loans_requeue(&loans, kl_loans_find(&loans, again.id));
        } else if (model[chosen].waits && keel_random() % 2 == 0) {
            kl_loans_lend(&loans, kl_loans_find(&loans, model[chosen].id), 7);
            model[chosen].waits = false;
        } else {
            struct model gone = model[chosen];
            kl_loans_remove(&loans, kl_loans_find_key(&loans, keel_int(gone.key)));
            for (size_t i = chosen + 1; i < count; i++) {
                model[i - 1] = model[i];
            }
            count--;
            CHECK(kl_loans_find(&loans, gone.id) == NULL);
            CHECK(kl_loans_find_key(&loans, keel_int(gone.key)) == NULL);
        }
        check_first(&loans, model, count);
        for (size_t i = 0; i < count; i += 17) {
            struct kl_loan *loan = kl_loans_find(&loans, model[i].id);
            CHECK(loan != NULL &&
                    loan == kl_loans_find_key(&loans, keel_int(model[i].key)));
            CHECK_INT(loan->what, model[i].waits ? KL_LOAN_WAITS : 7u);
        }
    }
}

PROCESS_TEST("the end of a borrower is told, unless its loan was over")
{
    struct kl_loans loans = {0};
    keel_pid first = new_puppet(), second = new_puppet();
    struct kl_loan *over = kl_loans_add(&loans, keel_int(1), KEEL_NONE, nobody(first));
    uint64_t id = kl_loans_add(&loans, keel_int(2), KEEL_NONE, nobody(second))->id;
    kl_loans_remove(&loans, over);
    end_process(first);
    end_process(second);
    uint64_t told;
    CHECK_OK(keel_receive_match(SOON, "{Id, _, process, _, killed}", &told));
    CHECK_INT(told, id);
    EXPECT_NO_MESSAGE();
}
