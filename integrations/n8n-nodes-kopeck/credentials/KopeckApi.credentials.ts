/**
 * Where the Kopeck server is, and the shop's API key. The key goes into one header of requests to
 * that server and nowhere else.
 */
import type {
	IAuthenticateGeneric,
	ICredentialTestRequest,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

export class KopeckApi implements ICredentialType {
	name = 'kopeckApi';

	displayName = 'Kopeck API';

	icon: Icon = {
		light: 'file:../nodes/Kopeck/kopeck.svg',
		dark: 'file:../nodes/Kopeck/kopeck.dark.svg',
	};

	documentationUrl = 'https://www.npmjs.com/package/n8n-nodes-kopeck';

	properties: INodeProperties[] = [
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'https://pay.example.ru',
			description: 'The address of your Kopeck server, as it is reached from n8n',
		},
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			placeholder: 'kpk_…',
			description: 'Made on the server with <code>kopeck keys create</code>',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: {
			headers: {
				Authorization: '=Bearer {{$credentials.apiKey}}',
			},
		},
	};

	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}',
			url: '/v1/me',
		},
	};
}
