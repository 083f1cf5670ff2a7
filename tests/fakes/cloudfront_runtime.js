// A CloudFront function in Node: of the world outside it sees what the documentation of runtime 2.0 names, which is
// the key-value store and `crypto`; no network, no files, no process. One JSON line {event, keys} in, one line out.
const fs = require('fs');
const readline = require('readline');
const vm = require('vm');

let keys = null;
const cf = {
    kvs: () => ({
        exists: async (key) => has(key),
        get: async (key) => {
            if (!has(key)) {
                throw new Error('KeyNotFound');
            }
            return keys[key];
        },
    }),
};

function has(key) {
    if (keys === null) {
        throw new Error('the key-value store does not answer');
    }
    return Object.prototype.hasOwnProperty.call(keys, key);
}

function module(name) {
    if (name !== 'crypto') {
        throw new Error(`no module ${name}`);
    }
    return { createHash: require('crypto').createHash };
}

const source = fs.readFileSync(process.argv[2], 'utf8').replace(/^import cf from 'cloudfront';\n/, '');
const handler = vm.runInNewContext(`'use strict';${source}\nhandler;`, { cf: cf, require: module });

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
    const asked = JSON.parse(line);
    keys = asked.keys;
    let said;
    try {
        said = { result: await handler(asked.event) };
    } catch (error) {
        said = { error: String(error) };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
});
