package main

import (
	"strings"

	"postern.dev/postern"
)

// The people of the demo company are invented. Their addresses end in a domain that
// nobody can register (RFC 2606 section 2).
const (
	demoDomain = "harbour.example"
	demoPeople = 124
)

// demoOffice is a place of work: whose holidays are kept there and how long a week is.
type demoOffice struct {
	ref      postern.Ref
	entity   postern.Ref
	holidays string
	zone     string
	language string
	day      int // minutes of a full day
}

var demoOffices = []demoOffice{
	{postern.Ref{ID: "11", Name: "Berlin"}, postern.Ref{ID: "1", Name: "Harbour Software GmbH"}, "DE-BE", "Europe/Berlin", "de", 480},
	{postern.Ref{ID: "12", Name: "Munich"}, postern.Ref{ID: "1", Name: "Harbour Software GmbH"}, "DE-BY", "Europe/Berlin", "de", 480},
	{postern.Ref{ID: "13", Name: "Madrid"}, postern.Ref{ID: "2", Name: "Harbour Iberia S.L."}, "ES", "Europe/Madrid", "es", 450},
	{postern.Ref{ID: "14", Name: "Barcelona"}, postern.Ref{ID: "2", Name: "Harbour Iberia S.L."}, "ES", "Europe/Madrid", "es", 450},
}

// demoTeam is one team; its lead is the first person placed in it.
type demoTeam struct {
	department, team postern.Ref
	office           int // of demoOffices, where most of it sits
	size             int
	lead             string
	positions        []string
}

// demoTeams adds up to demoPeople less the one who leads the company.
var demoTeams = []demoTeam{
	{postern.Ref{ID: "21", Name: "Engineering"}, postern.Ref{ID: "31", Name: "Platform"}, 0, 13, "Head of Platform", []string{"Senior Software Engineer", "Software Engineer", "Site Reliability Engineer"}},
	{postern.Ref{ID: "21", Name: "Engineering"}, postern.Ref{ID: "32", Name: "Payments"}, 0, 12, "Engineering Manager", []string{"Software Engineer", "Senior Software Engineer", "Quality Engineer"}},
	{postern.Ref{ID: "21", Name: "Engineering"}, postern.Ref{ID: "33", Name: "Mobile"}, 3, 11, "Engineering Manager", []string{"Mobile Engineer", "Senior Mobile Engineer", "Quality Engineer"}},
	{postern.Ref{ID: "22", Name: "Product"}, postern.Ref{ID: "34", Name: "Product Management"}, 0, 8, "Head of Product", []string{"Product Manager", "Senior Product Manager", "Product Analyst"}},
	{postern.Ref{ID: "22", Name: "Product"}, postern.Ref{ID: "35", Name: "Design"}, 3, 7, "Design Lead", []string{"Product Designer", "User Researcher"}},
	{postern.Ref{ID: "23", Name: "Sales"}, postern.Ref{ID: "36", Name: "Sales North"}, 1, 14, "Head of Sales", []string{"Account Executive", "Sales Development Representative", "Solutions Consultant"}},
	{postern.Ref{ID: "23", Name: "Sales"}, postern.Ref{ID: "37", Name: "Sales South"}, 2, 13, "Regional Sales Lead", []string{"Account Executive", "Sales Development Representative"}},
	{postern.Ref{ID: "24", Name: "Customer Support"}, postern.Ref{ID: "38", Name: "Support"}, 2, 17, "Head of Support", []string{"Support Specialist", "Senior Support Specialist", "Onboarding Specialist"}},
	{postern.Ref{ID: "25", Name: "Marketing"}, postern.Ref{ID: "39", Name: "Marketing"}, 1, 10, "Head of Marketing", []string{"Content Editor", "Campaign Manager", "Events Coordinator"}},
	{postern.Ref{ID: "26", Name: "People"}, postern.Ref{ID: "40", Name: "People"}, 0, 7, "Head of People", []string{"People Partner", "Recruiter", "Payroll Specialist"}},
	{postern.Ref{ID: "27", Name: "Finance"}, postern.Ref{ID: "41", Name: "Finance and Legal"}, 1, 11, "Head of Finance", []string{"Accountant", "Controller", "Legal Counsel", "Office Manager"}},
}

// demoFirst are first names with the gender that their bearers gave: f, m, d, or -
// for those who gave none.
var demoFirst = strings.Fields(`Mara/f Jonas/m Aylin/f Diego/m Lucía/f Emeka/m Hannah/f Mateo/m Priya/f Lukas/m
	Carmen/f Tomasz/m Noor/f Felix/m Inés/f Kwame/m Greta/f Pau/m Zeynep/f Anton/m Núria/f Rafael/m Mei/f Moritz/m
	Chiara/f Álvaro/m Leyla/f Oskar/m Marta/f Yusuf/m Frieda/f Iker/m Sanna/f Hugo/m Thảo/f Emil/m Elena/f Sergio/m
	Olha/f Bruno/m Clàudia/f Viktor/m Amara/f Jordi/m Sofie/f Andrés/m Ida/f Rohan/m Paula/f Levi/m Fatima/f Marc/m
	Johanna/f Kofi/m Laia/f Piotr/m Robin/d Javier/m Selma/f Till/m Montserrat/f Dariusz/m Alex/d Ömer/m Beatriz/f Jakob/m
	Ngozi/f Arnau/m Katja/f Rubén/m Sunniva/f Malik/m Irene/f Simon/m Aisha/f Gonzalo/m Lotte/f Minh/m Rocío/f Henrik/m
	Dilan/d Ferran/m Theresa/f Adrián/m Yara/f Konrad/m Blanca/f Tarek/m Linnea/f Óscar/m Charlie/- Nils/m Esther/f Biel/m
	Franziska/f Kenji/m Alba/f Matthias/m Sara/f Benno/m Pilar/f Hamza/m Ronja/f Joan/m Valeria/f Florian/m Teresa/f Jan/m
	Miriam/f Ibrahim/m Lena/f Enric/m Julia/f Darius/m Noa/- Peter/m Rosa/f Samuel/m Wiebke/f Nicolás/m Ewa/f Ole/m`)

var demoLast = strings.Fields(`Voss Okafor Yıldız Herrera Santos Nwosu Bergmann Cano Raman Steiner Ortega Kowalski Haddad
	Brandt Molina Mensah Lindqvist Ferrer Demir Petrov Puig Navarro Chen Weiß Romano Iglesias Karimi Neumann Castillo
	Aydın Schäfer Etxeberria Virtanen Lemaire Nguyễn Krüger Popescu Domínguez Shevchenko Costa Vidal Sokolov Diallo
	Serra Madsen Fuentes Hoffmann Patel Garrido Klein Rahimi Soler Richter Asante Bosch Zieliński Seidel Vega Hadžić
	Lorenz Roca Nowak Morgan Çelik Prieto Wagner Eze Camps Sommer Blanco Haugen Osman Rivas Fischer Farouk Peña Vogel
	Trần Aguilar Dahl Şahin Riera Franke Cortés Saleh Winkler Crespo Mansour Ekström Núñez Taylor Jensen Adler Mas Busch
	Tanaka Gallego Ritter Benítez Lang Lozano Qureshi Pohl Pons Marín Huber Cabrera Maurer Sanz Toure Albrecht Pla Keller
	Ionescu Ben-Ami Graf Duran Horvat Janssen Ramos Wójcik Thomsen Friedrich Bauer`)

// demoName gives the n-th name, from 0, and the gender that goes with it. No two
// persons have the same.
func demoName(n int) (first, last string, gender postern.Gender) {
	first, mark, _ := strings.Cut(demoFirst[n%len(demoFirst)], "/")
	gender = map[string]postern.Gender{"f": postern.GenderFemale, "m": postern.GenderMale, "d": postern.GenderDiverse,
		"-": postern.GenderUnspecified}[mark]
	return first, demoLast[n%len(demoLast)], gender
}

// demoAddress makes the address of a name: the letters that a mail system takes.
func demoAddress(first, last string) string {
	plain := strings.NewReplacer("á", "a", "à", "a", "ả", "a", "ä", "ae", "ç", "c", "é", "e", "ễ", "e", "ğ", "g", "í", "i", "ı", "i",
		"ñ", "n", "ń", "n", "ó", "o", "ö", "oe", "ş", "s", "ß", "ss", "ú", "u", "ü", "ue", "ž", "z", "ć", "c", "ầ", "a")
	return plain.Replace(strings.ToLower(first+"."+last)) + "@" + demoDomain
}
