// browser.mjs PROGRAM [--pictures FOLDER] [WORD...]: the showcase in a real browser, as people
// use it: Playwright steers the Chromium of the distribution. One line of TAP a case; words
// choose cases. With --pictures it takes the screenshots of the documentation instead.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Playwright lies where run.py has put it, not beside this file.
const { chromium } = createRequire(join(process.env.KEEL_NODE_MODULES, "x"))("playwright-core");

const WAIT_MS = 20000;
const PAGES = ["jobs", "rooms", "services", "tokens", "patterns", "tree"];
const FAST = { SHOWCASE_SERVICE_CHECK_MS: "100", SHOWCASE_TOKEN_LIFETIME_MS: "400",
    SHOWCASE_TOKEN_CHECK_MS: "60000" };

// --- what the cases need ---

function assert(holds, why) {
    if (!holds) throw new Error(why);
}

/** Asks again and again until `check` gives something true, which is returned. */
async function until(what, check) {
    const end = Date.now() + WAIT_MS;
    for (;;) {
        const found = await check();
        if (found) return found;
        assert(Date.now() < end, `waited in vain: ${what}`);
        await new Promise(wake => setTimeout(wake, 20));
    }
}

/** The program, on a port and in a folder of its own. */
class Showcase {
    constructor(program, environment) {
        this.program = program;
        this.environment = { ...process.env, ...environment };
        this.folder = mkdtempSync(join(tmpdir(), "keel-browser-"));
        this.port = 0;
    }

    start() {
        this.process = spawn(this.program, ["--data", join(this.folder, "data"), "--port", `${this.port}`],
            { env: this.environment, stdio: ["ignore", "pipe", "ignore"] });
        return new Promise((started, failed) => {
            let said = "";
            this.process.on("exit", code => failed(new Error(`the showcase ended with ${code}: ${said}`)));
            this.process.stdout.on("data", data => {
                said += data;
                const match = said.match(/http:\/\/[\d.]+:(\d+)\//);
                if (match) started(this.port = Number(match[1]));
            });
        });
    }

    end(signal) {
        return new Promise(ended => {
            this.process.removeAllListeners("exit");
            this.process.on("exit", ended);
            this.process.kill(signal);
        });
    }

    get base() {
        return `http://127.0.0.1:${this.port}`;
    }

    async ask(method, path, body) {
        const answer = await fetch(this.base + path, { method, body: body && JSON.stringify(body) });
        return answer.json();
    }

    job(name, duration_ms) {
        return this.ask("POST", "/api/jobs", { name, duration_ms });
    }

    async jobs(status) {
        return (await this.ask("GET", "/api/jobs")).jobs.filter(job => job.status === status);
    }
}

/** A tab of a person of its own, on a page that has its WebSocket. */
async function open(browser, showcase, path, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1200, height: 850 }, ...options });
    context.setDefaultTimeout(WAIT_MS);
    const page = await context.newPage();
    page.complaints = [];
    page.on("console", said => said.type() === "error" && page.complaints.push(said.text()));
    page.on("pageerror", error => page.complaints.push(`${error}`));
    await page.goto(showcase.base + path);
    if (options.javaScriptEnabled !== false) await live(page);
    return page;
}

function live(page) {
    return page.waitForFunction(() => document.documentElement.dataset.live === "on");
}

async function addJob(page, name, seconds) {
    await page.getByLabel("Job", { exact: true }).fill(name);
    await page.getByLabel("Seconds").fill(`${seconds}`);
    await page.getByRole("button", { name: "Add" }).click();
}

/** The worker of that name on the page of the tree. */
function worker(tree, name) {
    return tree.locator(".node.worker").filter({ has: tree.locator("b", { hasText: new RegExp(`^${name}$`) }) });
}

/** Kills it by a click and waits for another process in its place. */
async function killOnce(tree, name) {
    const pid = worker(tree, name).locator("code");
    const before = await pid.innerText();
    await worker(tree, name).getByRole("button", { name: "Kill" }).click();
    await until(`another ${name}`, async () => (await pid.count()) === 1 && (await pid.innerText()) !== before);
}

// --- the cases: each gets a browser and a running showcase ---

const cases = {
    async "two tabs see each other's jobs, and one cancels what the other has begun"(browser, showcase) {
        const one = await open(browser, showcase, "/jobs");
        const two = await open(browser, showcase, "/jobs");
        await addJob(one, "from the first tab", 30);
        await two.getByText("from the first tab").waitFor();
        await two.locator("#jobs progress").waitFor();
        const [running] = await showcase.jobs("processing");
        assert(running, "it shows progress and does not run");
        await two.getByRole("button", { name: "Cancel" }).click();
        await one.locator("#jobs .pill.cancelled").waitFor();
        assert((await showcase.jobs("cancelled"))[0].id === running.id, "another one was cancelled");
    },

    async "two tabs in a room see each other's messages, and both hear that it is closed"(browser, showcase) {
        const one = await open(browser, showcase, "/rooms");
        await one.getByLabel("New room").fill("harbour");
        await one.getByRole("button", { name: "Create" }).click();
        await one.getByRole("heading", { name: "# harbour" }).waitFor();
        const two = await open(browser, showcase, "/rooms?room=harbour");
        for (const [from, to, user, text] of [[one, two, "Ada", "who is <b>there</b>?"], [two, one, "Grace", "I am"]]) {
            await from.getByLabel("You").fill(user);
            await from.getByLabel("Message").fill(text);
            await from.getByRole("button", { name: "Send" }).click();
            await to.getByText(text).waitFor();
            assert((await from.getByLabel("Message").inputValue()) === "", "the field was not emptied");
        }
        assert((await two.locator("main b", { hasText: /^there$/ }).count()) === 0, "a text became an element");
        await two.getByRole("button", { name: "Close room" }).click();
        await until("the room to go", async () => (await one.getByText("I am").count()) === 0);
    },

    async "the server is killed and started again: tabs come back by themselves and show the truth"(browser, showcase) {
        const jobs = await open(browser, showcase, "/jobs");
        const tokens = await open(browser, showcase, "/tokens");
        await showcase.end("SIGKILL");
        await until("the tab to notice", () => jobs.evaluate(() => document.documentElement.dataset.live !== "on"));
        await showcase.start();
        await showcase.job("after the restart", 0);
        await jobs.getByText("after the restart").waitFor();
        await live(tokens);
        await showcase.ask("POST", "/api/tokens/use", { user: "Grace" });
        await tokens.getByText("Grace").waitFor();
    },

    async "a queue that is killed comes back with its jobs"(browser, showcase) {
        const jobs = await open(browser, showcase, "/jobs");
        for (let i = 0; i < 6; i++) await addJob(jobs, `job ${i}`, 1);
        await until("some to run", async () => (await showcase.jobs("processing")).length > 0);
        await killOnce(await open(browser, showcase, "/tree"), "jobs");
        await until("all to be done", async () => (await showcase.jobs("completed")).length === 6);
        await until("the tab to show it", async () => (await jobs.locator("#jobs .pill.completed").count()) === 6);
    },

    async "any process is killed by a click and comes back, its restarts counted"(browser, showcase) {
        const tree = await open(browser, showcase, "/tree");
        for (const name of ["tokens", "counter"]) {
            await killOnce(tree, name);
            await worker(tree, name).getByText("1 restart").waitFor();
        }
        // The very process that serves the page: the browser finds back by itself.
        await killOnce(tree, "web_listener");
        await live(tree);
        await killOnce(tree, "tree_page");
    },

    async "a service goes healthy, degraded, critical, and is well again"(browser, showcase) {
        const page = await open(browser, showcase, "/services");
        await page.getByRole("button", { name: "Watch" }).click();
        const status = page.locator(".items .pill");
        const is = text => until(text, async () => (await status.count()) === 1 && (await status.innerText()) === text);
        await is("healthy");
        const seen = await page.evaluateHandle(() => {
            const seen = [];
            new MutationObserver(() => seen.push(document.querySelector(".items .pill")?.innerText))
                .observe(document.getElementById("content"), { subtree: true, childList: true, characterData: true });
            return seen;
        });
        await page.getByRole("button", { name: "Make it fail" }).click();
        await is("critical");
        assert((await seen.jsonValue()).includes("degraded"), "it was never degraded");
        await page.locator("#switch").click();
        await is("healthy");
        await page.getByRole("button", { name: "Remove" }).click();
        await until("it to be gone", async () => (await status.count()) === 0);
    },

    async "tokens are lent, expire, and a check gives them back"(browser, showcase) {
        const page = await open(browser, showcase, "/tokens");
        await page.getByLabel("For whom").fill("Grace");
        await page.getByRole("button", { name: "Use a token" }).click();
        await page.locator(".items").getByText("Grace").waitFor();
        await until("a check to release it", async () => {
            await page.getByRole("button", { name: "Check now" }).click();
            return (await page.locator(".items").getByText("Grace").count()) === 0;
        });
    },

    async "every pattern shows its state as it changes"(browser, showcase) {
        const page = await open(browser, showcase, "/patterns");
        const watcher = await open(browser, showcase, "/patterns");
        const cards = page.locator("section.card");
        assert((await cards.count()) === 6, "not six patterns");
        for (let i = 0; i < 6; i++) {
            const facts = watcher.locator("section.card").nth(i).locator(".facts");
            const before = await facts.innerText();
            const title = await cards.nth(i).getByRole("heading").innerText();
            await cards.nth(i).getByRole("button").last().click();
            await until(`the figures of ${title} to move in the other tab`, async () => (await facts.innerText()) !== before);
        }
    },

    async "without JavaScript the pages are there and their forms work"(browser, showcase) {
        for (const path of PAGES) {
            const page = await open(browser, showcase, `/${path}`, { javaScriptEnabled: false });
            await page.getByRole("heading", { level: 1 }).waitFor();
            if (path === "jobs") {
                await addJob(page, "by a plain form", 60);
                await page.getByText("by a plain form").waitFor();
                await page.getByRole("button", { name: "Cancel" }).click();
                await page.locator(".pill.cancelled").waitFor();
            }
            await page.context().close();
        }
    },

    async "the keyboard reaches everything"(browser, showcase) {
        const page = await open(browser, showcase, "/jobs");
        const wanted = new Set(["Skip to the page", "Rooms", "Source of the server", "Add"]);
        for (let i = 0; i < 40 && wanted.size > 0; i++) {
            await page.keyboard.press("Tab");
            const [text, visible] = await page.evaluate(() => {
                const style = getComputedStyle(document.activeElement);
                return [document.activeElement.innerText, style.outlineStyle !== "none" || style.boxShadow !== "none"];
            });
            if (wanted.delete(text)) assert(visible, `who stands on ${text} does not see it`);
            if (text === "Add") await page.keyboard.press("Enter");
        }
        assert(wanted.size === 0, `not reached: ${[...wanted]}`);
        await until("the job", async () => (await showcase.jobs("processing")).length === 1);
    },

    async "nothing is complained of, in light and dark, on a desk and on a telephone"(browser, showcase) {
        await showcase.ask("POST", "/api/rooms", { id: "lobby" });
        await showcase.ask("POST", "/api/rooms/lobby/messages", { user: "Ada", text: "x".repeat(400) });
        await showcase.job("a name so long that no telephone has room for it ".repeat(3), 60000);
        for (const colorScheme of ["light", "dark"]) {
            for (const viewport of [{ width: 1200, height: 850 }, { width: 360, height: 740 }]) {
                for (const path of [...PAGES, "rooms?room=lobby", "jobs?tab=source"]) {
                    const page = await open(browser, showcase, `/${path}`, { colorScheme, viewport });
                    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
                    assert(wide <= 0, `/${path} is ${wide} pixels too wide at ${viewport.width}`);
                    assert(page.complaints.length === 0, `/${path}: ${page.complaints}`);
                    const [ink, paper] = await page.evaluate(() => [getComputedStyle(document.body).color,
                        getComputedStyle(document.body).backgroundColor].map(color =>
                        color.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)));
                    assert((ink < paper) === (colorScheme === "light"), `/${path} is not ${colorScheme}`);
                    await page.context().close();
                }
            }
        }
    },
};

// --- the pictures of the documentation ---

async function takePictures(browser, showcase, folder) {
    for (const [i, name] of ["import customers", "monthly report", "thumbnails", "newsletter", "backup"].entries()) {
        await showcase.job(name, 2000 + 4000 * i);
    }
    await showcase.ask("POST", "/api/rooms", { id: "lobby" });
    for (const [user, text] of [["Ada", "The first program was for a machine that did not exist."],
        ["Grace", "Mine found a moth."], ["Joan", "Let us see what survives a kill -9."]]) {
        await showcase.ask("POST", "/api/rooms/lobby/messages", { user, text });
    }
    await showcase.ask("POST", "/api/services", { name: "local", url: `${showcase.base}/test-service` });
    await showcase.ask("POST", "/api/services", { name: "nobody", url: "http://127.0.0.1:1/" });
    for (const user of ["Ada", "Grace", "Joan"]) await showcase.ask("POST", "/api/tokens/use", { user });
    for (const [pattern, argument] of [["cache", "apples"], ["cache", "apples"], ["limiter", "Ada"], ["limiter", "Ada"],
        ["pool", ""], ["workers", "hello"], ["batcher", "dear"], ["breaker", "fail"], ["breaker", ""]]) {
        await showcase.ask("POST", `/api/patterns/${pattern}`, { argument });
    }
    await until("the one that nobody serves to be critical", async () =>
        (await showcase.ask("GET", "/api/services")).services.some(service => service.status === "critical"));
    for (const path of ["jobs", "rooms?room=lobby", "services", "tokens", "patterns", "tree"]) {
        const page = await open(browser, showcase, `/${path}`);
        await page.screenshot({ path: join(folder, `${path.split("?")[0]}.png`) });
        await page.context().close();
    }
}

// --- running them ---

async function withShowcase(program, environment, use) {
    const showcase = new Showcase(program, environment);
    try {
        await showcase.start();
        await use(showcase);
    } finally {
        if (showcase.process.exitCode === null && showcase.process.signalCode === null) await showcase.end("SIGKILL");
        rmSync(showcase.folder, { recursive: true, force: true });
    }
}

async function main() {
    const [program, ...words] = process.argv.slice(2);
    const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
    if (!executablePath) {
        console.log("ok - showcase: in a browser # SKIP no chromium");
        return;
    }
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    try {
        if (words[0] === "--pictures") {
            await withShowcase(program, {}, showcase => takePictures(browser, showcase, words[1]));
            return;
        }
        for (const [name, run] of Object.entries(cases)) {
            if (words.length > 0 && !words.some(word => name.includes(word))) continue;
            try {
                await withShowcase(program, FAST, showcase => run(browser, showcase));
                console.log(`ok - showcase: ${name}`);
            } catch (error) {
                console.log(`not ok - showcase: ${name}`);
                console.log(`${error.stack}`.split("\n").slice(0, 14).map(line => `# ${line}`).join("\n"));
                process.exitCode = 1;
            }
            await Promise.all(browser.contexts().map(context => context.close()));
        }
    } finally {
        await browser.close();
    }
}

await main();
