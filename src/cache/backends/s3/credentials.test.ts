import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { makeScratch } from '../../../../test/support/scratch.ts'
import { sampleAccess } from '../../testing/sample-cache.ts'
import { awsCredentials } from './credentials.ts'
import { parseSections } from './shared-config.ts'

const signal = new AbortController().signal

/** A service on loopback; what it was asked is kept. */
async function startService(answer: (asked: string, body: string) => string | undefined) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => (body += String(chunk)))
    request.on('end', () => {
      const name = `${request.method} ${request.url}`
      asked.push(name)
      const text = answer(name, body)
      response.writeHead(text === undefined ? 404 : 200).end(text)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const find = async (env: Record<string, string>) => {
  using access = sampleAccess({ HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true', ...env })
  return await awsCredentials(access, signal)
}

describe('credentials', () => {
  it('are those of the environment before all others', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret', AWS_PROFILE: 'none' }
    assert.deepEqual(await find(env), { accessKeyId: 'id', secretAccessKey: 'secret' })
    assert.equal((await find({ ...env, AWS_SESSION_TOKEN: 't' })).sessionToken, 't')
  })

  it('are printed by the program of a profile', async () => {
    await using scratch = await makeScratch()
    await mkdir(scratch.path('.aws'))
    const profile = (command: string): Promise<void> =>
      writeFile(scratch.path('.aws', 'config'), `[default]\ncredential_process = ${command}\n`)
    await writeFile(
      scratch.path('keys'),
      '{"Version":1,"AccessKeyId":"id","SecretAccessKey":"s","SessionToken":"t"}',
    )
    await profile(`cat ${scratch.path('keys')}`)
    const keys = { accessKeyId: 'id', secretAccessKey: 's', sessionToken: 't' }
    assert.deepEqual(await find({ HOME: scratch.dir }), keys)
    await profile('exit 3')
    await assert.rejects(find({ HOME: scratch.dir }), {
      message: /^the credential process of the profile failed/,
    })
    await profile('echo {}')
    await assert.rejects(find({ HOME: scratch.dir }), { message: /another version/ })
  })

  it('are those of a login at a portal', async () => {
    await using scratch = await makeScratch()
    await mkdir(scratch.path('.aws', 'sso', 'cache'), { recursive: true })
    const role = 'sso_account_id = 1\nsso_role_name = reader\n'
    const portal = 'sso_region = eu-west-1\nsso_start_url = https://x/start\n'
    const config = `[default]\nsso_session = mine\n${role}[sso-session mine]\n${portal}[profile old]\n${role}${portal}`
    await writeFile(scratch.path('.aws', 'config'), config)
    const login = async (name: string, expiresAt: string): Promise<void> => {
      const file = `${createHash('sha1').update(name).digest('hex')}.json`
      const text = JSON.stringify({ accessToken: 'the-token', expiresAt })
      await writeFile(scratch.path('.aws', 'sso', 'cache', file), text)
    }
    await using service = await startService(() =>
      JSON.stringify({ roleCredentials: { accessKeyId: 'id', secretAccessKey: 's', sessionToken: 't' } }),
    )
    const env = { HOME: scratch.dir, AWS_ENDPOINT_URL_SSO: service.url }
    await assert.rejects(find(env), { code: 'unauthenticated', hint: 'run: aws sso login' })
    await login('mine', '2000-01-01T00:00:00Z')
    await assert.rejects(find(env), { message: 'the login of the SSO profile has expired' })
    for (const [name, profile] of [
      ['mine', 'default'],
      ['https://x/start', 'old'],
    ] as const) {
      await login(name, '2999-01-01T00:00:00Z')
      const keys = { accessKeyId: 'id', secretAccessKey: 's', sessionToken: 't' }
      assert.deepEqual(await find({ ...env, AWS_PROFILE: profile }), keys)
    }
    assert.equal(service.asked.at(-1), 'GET /federation/credentials?role_name=reader&account_id=1')
  })

  it('come from a role that an identity provider’s token opens', async () => {
    await using scratch = await makeScratch()
    await writeFile(scratch.path('token'), 'the-token\n')
    let form = ''
    await using sts = await startService((_asked, body) => {
      form = body
      return '<R xmlns="x"><AccessKeyId>role</AccessKeyId><SecretAccessKey>s&amp;s</SecretAccessKey><SessionToken>t</SessionToken></R>'
    })
    const env = {
      AWS_WEB_IDENTITY_TOKEN_FILE: scratch.path('token'),
      AWS_ROLE_ARN: 'arn:aws:iam::1:role/r',
      AWS_ENDPOINT_URL_STS: sts.url,
    }
    assert.deepEqual(await find(env), { accessKeyId: 'role', secretAccessKey: 's&s', sessionToken: 't' })
    const asked = new URLSearchParams(form)
    assert.equal(asked.get('Action'), 'AssumeRoleWithWebIdentity')
    assert.equal(asked.get('WebIdentityToken'), 'the-token')
    assert.equal(asked.get('RoleArn'), 'arn:aws:iam::1:role/r')
  })

  it('come from a role of a profile, opened with the keys of another one', async () => {
    await using scratch = await makeScratch()
    await mkdir(scratch.path('.aws'))
    const config =
      '[profile ci]\nrole_arn = arn:r\nsource_profile = base\nexternal_id = x\n[profile base]\naws_access_key_id = k\naws_secret_access_key = s\n'
    await writeFile(scratch.path('.aws', 'config'), config)
    await using sts = await startService((_asked, body) =>
      body.includes('Action=AssumeRole&ExternalId=x&RoleArn=arn%3Ar')
        ? '<AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>'
        : undefined,
    )
    const env = { HOME: scratch.dir, AWS_PROFILE: 'ci', AWS_ENDPOINT_URL_STS: sts.url }
    assert.deepEqual(await find(env), { accessKeyId: 'a', secretAccessKey: 'b' })
  })

  it('come from the container’s surroundings or the machine', async () => {
    const json = '{"AccessKeyId":"i","SecretAccessKey":"s","Token":"t"}'
    const role = '/latest/meta-data/iam/security-credentials/'
    await using service = await startService(asked => {
      if (asked === 'GET /container' || asked === `GET ${role}builder`) return json
      if (asked === 'PUT /latest/api/token') return 'metadata-token'
      return asked === `GET ${role}` ? 'builder' : undefined
    })
    const found = { accessKeyId: 'i', secretAccessKey: 's', sessionToken: 't' }
    assert.deepEqual(await find({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${service.url}/container` }), found)
    const machine = { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: service.url }
    assert.deepEqual(await find(machine), found)
  })

  it('that are nowhere are an error that says what to do', async () => {
    await assert.rejects(find({}), { code: 'unauthenticated', message: /no AWS credentials found/ })
    await assert.rejects(find({ AWS_PROFILE: 'gone' }), /failed to get shared config profile, gone/)
  })
})

describe('files of settings', () => {
  it('have sections, comments and lines of nested settings', () => {
    const text =
      '# c\nlost = 1\n[ a ]\nKey = v = w \n  nested = x\n; c\nother=y ; comment\n[b]\n[a]\nmore = 1\n'
    assert.deepEqual(
      [...parseSections(text)],
      [
        ['a', { key: 'v = w', other: 'y', more: '1' }],
        ['b', {}],
      ],
    )
  })
})
