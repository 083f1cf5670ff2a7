import cf from 'cloudfront';
const keys = cf.kvs();
const crypto = require('crypto');

// Runs at the edge for every request to the API, before the cache: only who has a key gets an answer, kept or not.
//
// What goes on carries the key's id and hash (x-cv-key), what the key opens (x-cv-plan and x-cv-scopes: part of the
// cache's key, so that nobody is given what is kept for others), the host that the client asked for (x-cv-host:
// `next_url` is made of it), and of the query what the API reads, in one order and one spelling. The key itself goes no
// further, and whatever a client sends under these names is dropped.
//
// The key-value store has for the SHA-256 of each key "<plan> <scope>,<scope>". Should it not answer, the function
// fails, and CloudFront refuses the request with 503.

const OPEN_PATHS = ['/v1/health'];
const KEY = /^cv_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
const NAMES = ['active', 'adjusted', 'as_of', 'cik', 'cursor', 'cusip', 'dividend_type', 'exchange', 'frequency',
    'from', 'limit', 'market', 'order', 'relation', 'reverse_split', 'search', 'sort', 'status', 'strategy', 'tickers',
    'timeframe', 'to', 'type'];
const RANGED = ['cash_amount', 'date', 'declaration_date', 'ex_dividend_date', 'execution_date', 'known_at', 'pay_date',
    'record_date', 'ticker', 'timestamp'];

async function handler(event) {
    const request = event.request;
    const key = keyOf(request);
    const parts = KEY.exec(key);
    dropKeyAndOurs(request.headers);
    request.headers['x-cv-host'] = { value: request.headers.host.value };
    request.querystring = canonical(request.querystring);
    if (OPEN_PATHS.indexOf(request.uri) !== -1) {
        return request;
    }
    const hash = crypto.createHash('sha256').update(key).digest('hex');
    const known = await keys.exists(hash); // asked also for what is no key, which is then refused as slowly
    if (!known || parts === null) {
        return unauthorized(event.context.requestId);
    }
    const opens = (await keys.get(hash)).split(' ');
    request.headers['x-cv-key'] = { value: `${parts[1]}.${hash}` };
    request.headers['x-cv-plan'] = { value: opens[0] };
    request.headers['x-cv-scopes'] = { value: opens[1] };
    return request;
}

function keyOf(request) {
    const bearer = request.headers.authorization ? request.headers.authorization.value : '';
    if (/^bearer /i.test(bearer)) {
        return bearer.slice(7).trim();
    }
    return request.querystring.apiKey ? respelled(request.querystring.apiKey.value) : '';
}

function dropKeyAndOurs(headers) {
    Object.keys(headers).forEach((name) => {
        if (name === 'authorization' || name.startsWith('x-cv-')) {
            delete headers[name];
        }
    });
}

function canonical(query) {
    const pairs = [];
    Object.keys(query).forEach((spelled) => {
        const name = respelled(spelled);
        if (isRead(name)) {
            (query[spelled].multiValue || [query[spelled]]).forEach((one) => {
                pairs.push({ name: name, text: `${name}=${respelled(one.value)}`, at: pairs.length });
            });
        }
    });
    pairs.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.at - b.at));
    return pairs.map((pair) => pair.text).join('&');
}

function isRead(name) {
    return NAMES.indexOf(name) !== -1 || RANGED.indexOf(name.replace(/\.(gte|gt|lte|lt)$/, '')) !== -1;
}

function respelled(text) {
    try {
        return encodeURIComponent(decodeURIComponent(text.replace(/\+/g, '%20')));
    } catch (error) {
        return text;
    }
}

function unauthorized(requestId) {
    const said = 'Unknown API Key';
    return {
        statusCode: 401,
        statusDescription: 'Unauthorized',
        headers: {
            'cache-control': { value: 'no-store' },
            'content-type': { value: 'application/json' },
            'www-authenticate': { value: 'Bearer' },
        },
        body: {
            encoding: 'text',
            data: JSON.stringify({ status: 'ERROR', request_id: requestId, error: said, message: said }),
        },
    };
}
